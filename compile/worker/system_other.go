//go:build !unix

package worker

import (
	"os"
	"syscall"
)

func executable() string { return executablePath() }

func attributes() *syscall.SysProcAttr { return nil }

func kill(p *os.Process) error { return p.Kill() }

func limitResources(Config) {}
