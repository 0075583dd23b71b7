package compile_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
)

const withoutMain = "compile-without-main"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == withoutMain {
		compileWithoutMain()
	}
	compile.Main()
	os.Exit(m.Run())
}

// compileWithoutMain is a program that forgot to call Main.
func compileWithoutMain() {
	c, err := compile.New(compile.Config{})
	if err != nil {
		os.Exit(2)
	}
	if _, err := c.Compile(context.Background(), small(), at); !errors.Is(err, compile.ErrNoMain) {
		os.Exit(3)
	}
	os.Exit(0)
}

// TestNoMain must not start copies of the program that start copies of themselves.
func TestNoMain(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), self, withoutMain).Run(); err != nil {
		t.Error(err)
	}
}
