package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// askTimeout bounds one question to a daemon.
const askTimeout = 10 * time.Second

// errRefused is that a daemon will not tell, however often it is asked.
var errRefused = errors.New("refused")

// asker asks daemons what they serve, and to whom.
type asker struct {
	connectOptions
	once   sync.Once
	client http.Client
	wrong  error // with the files named
}

// prepare makes the client, which all questions share.
func (q *asker) prepare() error {
	q.once.Do(func() {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig, q.wrong = q.tls()
		q.client = http.Client{Timeout: askTimeout, Transport: transport}
	})
	return q.wrong
}

// status asks the daemon at an address: host:port, or a URL of its root, /feed or /status. The query goes with it.
func (q *asker) status(ctx context.Context, address string, query url.Values) (daemon.Status, error) {
	var status daemon.Status
	response, err := q.get(ctx, address, "/status", query)
	if err != nil {
		return status, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return status, fmt.Errorf("%s answers, but not as a daemon does: %w", response.Request.URL.Redacted(), err)
	}
	return status, nil
}

// get asks for a page of the daemon at an address. An answer other than 200 is an error.
func (q *asker) get(ctx context.Context, address, page string, query url.Values) (*http.Response, error) {
	at, err := pageURL(address, page)
	if err = errors.Join(err, q.prepare()); err != nil {
		return nil, err
	}
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, usageError{err}
	}
	if request.Header, err = q.header(); err != nil {
		return nil, err
	}
	response, err := q.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w; is 'yardarm serve' running there?", bare(err))
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, refusedBy(at, response)
	}
	return response, nil
}

// header shows the key, as it is in its file now.
func (q *asker) header() (http.Header, error) {
	header := http.Header{}
	if q.keyFile != "" {
		text, err := os.ReadFile(q.keyFile)
		if err != nil {
			return nil, usageError{err}
		}
		key := strings.TrimSpace(string(text))
		if key == "" || strings.ContainsAny(key, " \t\r\n") {
			return nil, usagef("--key-file %s: it should have a key and nothing else: the first of the two lines that 'yardarm key new' prints", q.keyFile)
		}
		header.Set("Authorization", "Bearer "+key)
	}
	return header, nil
}

// bare is what an HTTP client complains of, without the URL, which is named where that is told.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		if wrapped.Timeout() {
			return errors.New("no answer in time")
		}
		return wrapped.Err
	}
	return err
}

// refusal is an error that is errRefused without saying so.
type refusal struct{ error }

func (refusal) Is(target error) bool { return target == errRefused }

// refusedBy is the error that an answer other than 200 is: what the daemon says or, where that was not one, which answer to what.
func refusedBy(at *url.URL, response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 600)) // whatever came
	said := strings.TrimSpace(string(text))
	err := errors.New(said)
	plain := strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain")
	if !plain || said == "" || strings.Contains(said, "\n") || said == "404 page not found" || said == http.StatusText(response.StatusCode) {
		err = fmt.Errorf("%s answers %s: %.300s", at.Redacted(), response.Status, said)
	}
	if response.StatusCode == http.StatusUnauthorized && response.Request.Header.Get("Authorization") == "" {
		err = errors.New("a key is needed: name its file with --key-file")
	}
	if code := response.StatusCode; code >= 400 && code < 500 && code != http.StatusTooManyRequests {
		return refusal{err}
	}
	return err
}

// pageURL is where the daemon at an address has a page.
func pageURL(address, page string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, usagef("%q is not the address of a daemon; write one such as http://127.0.0.1:8080", address)
	}
	switch u.Scheme {
	case "ws", "wss":
		u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	case "http", "https":
	default:
		return nil, usagef("%q: the address of a daemon begins with http, https, ws or wss", address)
	}
	path := strings.TrimSuffix(u.Path, "/")
	for _, known := range []string{"/feed", "/status"} {
		path = strings.TrimSuffix(path, known)
	}
	u.Path, u.RawQuery, u.Fragment = path+page, "", ""
	return u, nil
}

// someDaemons demands addresses.
func someDaemons(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("name the daemons to ask, such as http://127.0.0.1:8080")
	}
	return nil
}
