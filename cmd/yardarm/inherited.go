package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstInherited is the descriptor of the first socket that systemd hands over.
const firstInherited = 3

// inherited gives the socket that systemd listens on for this process, as sd_listen_fds(3) has it; nil: there is none. Whoever
// connects while no process runs waits there for the next.
func inherited() (net.Listener, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil
	}
	// Not for the processes that this one starts.
	if err := errors.Join(os.Unsetenv("LISTEN_PID"), os.Unsetenv("LISTEN_FDS"), os.Unsetenv("LISTEN_FDNAMES")); err != nil {
		return nil, err
	}
	if count != "1" {
		return nil, fmt.Errorf("systemd hands over %s sockets; one is expected, with one ListenStream= in the socket unit", count)
	}
	file := os.NewFile(firstInherited, "systemd's socket")
	defer file.Close() // the listener has a copy
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("the socket that systemd hands over: %w", err)
	}
	if _, ok := listener.(*net.TCPListener); !ok {
		return nil, errors.Join(fmt.Errorf("systemd hands over %s; a TCP socket is expected", listener.Addr()), listener.Close())
	}
	return listener, nil
}
