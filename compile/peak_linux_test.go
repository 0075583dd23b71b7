package compile_test

import "syscall"

// peaks gives the most memory that this process, and the largest of the workers that ended, had in use, in bytes.
func peaks() (own, worker int64) {
	return peak(syscall.RUSAGE_SELF), peak(syscall.RUSAGE_CHILDREN)
}

func peak(who int) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return usage.Maxrss << 10 // from kilobytes
}
