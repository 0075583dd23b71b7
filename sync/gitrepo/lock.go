package gitrepo

import "io"

// Lock takes a lock on a file, which it makes, that lasts until it is closed or the process dies. [ErrLocked] is that another has it;
// it does not wait. Where the system has no such lock there is none.
func Lock(path string) (io.Closer, error) { return lockFile(path) }
