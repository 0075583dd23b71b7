package daemon

// HangDisk has whoever writes to the state folder find that the disk hangs, until mend is called.
func (d *Daemon) HangDisk() (mend func()) {
	d.disk <- struct{}{}
	return func() { <-d.disk }
}
