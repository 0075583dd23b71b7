package client

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// maxKey is the longest key that is read from a file, in bytes.
const maxKey = 16 << 10

// header is that of a request: the key, if there is one.
func (c *Client) header() (http.Header, error) {
	header := http.Header{}
	key, err := c.cfg.key()
	if err != nil {
		return nil, fmt.Errorf("read Config.KeyFile: %w", err)
	}
	if key != "" {
		header.Set("Authorization", "Bearer "+key)
	}
	return header, nil
}

// key gives the key to send now; "": none. Its errors never quote it.
func (cfg Config) key() (string, error) {
	if cfg.KeyFile == "" {
		return cfg.Key, nil
	}
	info, err := os.Stat(cfg.KeyFile) // before it is opened, which of a pipe would wait
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", cfg.KeyFile)
	case info.Size() > maxKey:
		return "", fmt.Errorf("%s has %d bytes, more than a key has", cfg.KeyFile, info.Size())
	}
	text, err := os.ReadFile(cfg.KeyFile)
	if err != nil {
		return "", err
	}
	switch key := strings.TrimSpace(string(text)); {
	case key == "":
		return "", fmt.Errorf("%s is empty", cfg.KeyFile)
	case !plain(key):
		return "", errors.New(cfg.KeyFile + " has spaces, control or non-ASCII characters within the key")
	default:
		return key, nil
	}
}
