//go:build unix && !linux

package worker

import (
	"errors"
	"os"
	"syscall"
)

func executable() string { return executablePath() }

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func kill(p *os.Process) error {
	if err := syscall.Kill(-p.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

func limitResources(Config) {}
