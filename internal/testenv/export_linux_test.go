package testenv

var (
	LookPath    = lookPath
	ReserveAddr = reserveAddr
)

// Dir returns the server's directory.
func (s *Server) Dir() string { return s.dir }

// PID returns the process of a running server.
func (s *Server) PID() int { return s.proc.pid }
