// Package edit changes flag files exactly: what is not meant to change stays byte for byte, comments included.
// With compile/folder it is the only package that knows CUE.
//
// Start with [Format]; [WriteFile] puts the outcome in place.
package edit

import (
	"fmt"
	"os"
	"path/filepath"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
)

// Format gives source in CUE's standard form, as the stock `cue fmt` would. The name is used in errors only, which say
// file:line:column and leave the caller with nothing to write.
func Format(name string, source []byte) ([]byte, error) {
	file, err := parser.ParseFile(name, source, parser.ParseComments)
	if err == nil {
		var formatted []byte
		if formatted, err = format.Node(file); err == nil {
			return formatted, nil
		}
	}
	first := errors.Errors(err)[0]
	message, args := first.Msg()
	if at := first.Position(); at.IsValid() {
		return nil, fmt.Errorf("%s:%d:%d: %s", name, at.Line(), at.Column(), fmt.Sprintf(message, args...))
	}
	return nil, fmt.Errorf("%s: %s", name, fmt.Sprintf(message, args...))
}

// WriteFile replaces a file's content whole or not at all, keeping its permissions (0644 for a new file).
func WriteFile(name string, content []byte) (err error) {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	if _, err = temp.Write(content); err == nil {
		err = temp.Chmod(mode)
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(temp.Name(), name)
}
