package daemon

import "net/http"

// Hint has the source looked at now instead of at the next poll. It never waits, and what it says need not be true.
func (d *Daemon) Hint() {
	select {
	case d.look.found <- struct{}{}:
	default:
	}
}

// hooked puts the handlers of hooks beside the daemon's own, for whatever name is asked: their deliveries are signed, and come
// through whatever proxy is there.
func (d *Daemon) hooked(own http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", own)
	if d.config.Hook != nil {
		mux.Handle("/hooks/github", d.config.Hook)
	}
	if d.config.RefreshSecretFile != "" {
		mux.HandleFunc("/hooks/refresh", d.refreshPage)
	}
	return mux
}
