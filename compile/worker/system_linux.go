package worker

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// executable is this very binary, also after a newer one has taken its place on disk.
func executable() string {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self
	}
	return executablePath()
}

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func kill(p *os.Process) error {
	if err := syscall.Kill(-p.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// limitResources adds the kernel's limits to the portable ones. They are backstops: memory that the runtime asks for in
// one piece before the watchdog looks, a busy loop that outlives a stopped clock, files. What cannot be set stays as it is.
func limitResources(cfg Config) {
	limits := map[int]uint64{
		syscall.RLIMIT_CPU:    uint64(cfg.processorTime() / time.Second),
		syscall.RLIMIT_NOFILE: 128,
		syscall.RLIMIT_FSIZE:  0,
		syscall.RLIMIT_CORE:   0,
	}
	if mapped, err := dataMapped(); err == nil {
		limits[syscall.RLIMIT_DATA] = mapped + 2*uint64(cfg.MemoryLimit) + 128<<20
	}
	for resource, limit := range limits {
		_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit})
	}
}

// dataMapped is what RLIMIT_DATA counts, in bytes: writable memory, used or not. The race detector maps terabytes of it.
func dataMapped() (uint64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var pages [6]uint64
	if _, err := fmt.Sscan(string(statm), &pages[0], &pages[1], &pages[2], &pages[3], &pages[4], &pages[5]); err != nil {
		return 0, err
	}
	return pages[5] * uint64(os.Getpagesize()), nil
}
