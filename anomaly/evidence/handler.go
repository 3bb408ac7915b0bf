package evidence

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strings"
)

// Handler returns a handler that serves the bundles to read: their list as JSON at
// "/", newest first, and each under its id. It is to be put under a prefix with
// [http.StripPrefix]. A bundle that is being made is answered with 503 and a time
// to ask again.
//
// Profiles and traces tell how the program works: the host guards the handler, as it
// does net/http/pprof.
func (r *Recorder) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "evidence is read only", http.StatusMethodNotAllowed)
			return
		}
		id := strings.TrimPrefix(req.URL.Path, "/")
		if id == "" {
			r.serveList(w)
			return
		}
		r.serveBundle(w, req, id)
	})
}

func (r *Recorder) serveList(w http.ResponseWriter) {
	all, err := r.List()
	if err != nil {
		r.unserved(w, err)
		return
	}
	if all == nil {
		all = []Bundle{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // the reader has gone
}

func (r *Recorder) serveBundle(w http.ResponseWriter, req *http.Request, id string) {
	f, err := r.open(id)
	switch {
	case errors.Is(err, ErrPending):
		w.Header().Set("Retry-After", "5")
		http.Error(w, ErrPending.Error(), http.StatusServiceUnavailable)
		return
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "there is no such bundle", http.StatusNotFound)
		return
	case err != nil:
		r.unserved(w, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		r.unserved(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("Content-Disposition", `attachment; filename="evidence-`+id+extension+`"`)
	http.ServeContent(w, req, "", info.ModTime(), f)
}

// unserved answers for what went wrong here: the log says what it was.
func (r *Recorder) unserved(w http.ResponseWriter, err error) {
	r.m.Logger().Error("evidence: not served", "error", r.secrets.Text(err.Error()))
	http.Error(w, "the evidence cannot be read", http.StatusInternalServerError)
}
