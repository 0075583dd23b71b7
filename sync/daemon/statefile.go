package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// sealPrefix begins the first line of a file of the state folder; the SHA-256 of all that follows the line, in hexadecimal, ends it.
const sealPrefix = "sha256 "

// errDamaged is why a file of the state folder is left aside.
var errDamaged = errors.New("the file is damaged: its checksum does not fit what is in it")

// sealed gives content under its checksum. A digest of items alone would not do: the position is not part of it.
func sealed(content []byte) []byte {
	sum := sha256.Sum256(content)
	return append([]byte(sealPrefix+hex.EncodeToString(sum[:])+"\n"), content...)
}

// unsealed gives the content of what sealed has made, or [errDamaged].
func unsealed(text []byte) ([]byte, error) {
	line, content, _ := bytes.Cut(text, []byte("\n"))
	sum := sha256.Sum256(content)
	if string(line) != sealPrefix+hex.EncodeToString(sum[:]) {
		return nil, errDamaged
	}
	return content, nil
}

// readSealed reads a file that was written sealed.
func readSealed(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return unsealed(text)
}

// replaceFile seals a file beside its place and renames it, so that a reader or a crash of the process sees the old or the new one
// whole. It is as safe from a crash of the machine once [settle] has been called.
func replaceFile(name string, content []byte) error {
	return replaceBy(tempPrefix, name, func(temp *os.File) error {
		_, err := temp.Write(sealed(content))
		return err
	})
}

// replaceDurably replaces a file, unsealed, whole or not at all, and returns when a crash of the machine would not undo it. Its temporary
// name begins with a prefix of its own: [Daemon.save] clears those of replaceFile away, and may run meanwhile.
func replaceDurably(prefix, name string, content []byte) error {
	err := replaceBy(prefix, name, func(temp *os.File) error {
		if _, err := temp.Write(content); err != nil {
			return err
		}
		return temp.Sync()
	})
	if err != nil {
		return err
	}
	return flush(filepath.Dir(name))
}

// replaceBy has a file written beside its place, by a name that begins with a prefix, and renames it.
func replaceBy(prefix, name string, write func(*os.File) error) error {
	temp, err := os.CreateTemp(filepath.Dir(name), prefix+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone by then if all went well
	if err := errors.Join(write(temp), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".new-"

// settle renames a file that is there whole to another name, after its content has reached the disk.
func settle(from, to string) error {
	if err := flush(from); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// flush waits until a file's content, or a folder's names, have reached the disk.
func flush(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s to disk: %w", name, err)
	}
	return nil
}
