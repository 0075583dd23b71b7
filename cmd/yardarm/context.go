package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// readContext reads an evaluation context from --context: JSON, @FILE, or @- for standard input.
func (a *app) readContext(text string) (eval.Context, error) {
	data, source := []byte(text), "--context"
	if name, ok := strings.CutPrefix(text, "@"); ok {
		var err error
		source = name
		if data, err = a.readFile(name); err != nil {
			return nil, usagef("--context @%s: %w", name, err)
		}
	}
	ec, err := parseContext(data)
	if err != nil {
		return nil, usagef(`%s %w; write a JSON object such as {"targetingKey": "user-1", "plan": "pro"}`, source, err)
	}
	return ec, nil
}

func (a *app) readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(a.stdin)
	}
	return os.ReadFile(name)
}

// parseContext reads one JSON object, and nothing that JSON readers do not agree on. The error goes on from the name of what
// was read.
func parseContext(data []byte) (eval.Context, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	var first json.RawMessage
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("is empty")
	case err != nil:
		return nil, fmt.Errorf("is not JSON (%w)", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has more after its JSON value")
	}
	decoder = json.NewDecoder(bytes.NewReader(first))
	decoder.UseNumber()
	value, err := readJSON(decoder)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("is %s, not a JSON object", bytes.TrimSpace(first[:min(len(first), 40)]))
	}
	return object, nil
}

// readJSON reads a value of valid JSON, numbers as [json.Number], and refuses objects in which a name stands twice.
func readJSON(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return readObject(decoder)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			element, err := readJSON(decoder)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		_, err := decoder.Token()
		return list, err
	}
	return token, nil
}

func readObject(decoder *json.Decoder) (map[string]any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // it is one in valid JSON
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("has %q twice", name)
		}
		if object[name], err = readJSON(decoder); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
}
