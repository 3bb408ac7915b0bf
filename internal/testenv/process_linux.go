package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// stopTimeout is how long a server may take to end before it is killed.
const stopTimeout = 15 * time.Second

// reserveAddr returns a loopback address that stays the caller's until release.
//
// The socket behind it is bound but does not listen: the kernel gives its port to
// nobody who asks for any port, which also keeps a client that dials a stopped
// server from being connected to itself. With SO_REUSEADDR on both sides, as
// every server sets it, a server that asks for this very port gets it.
func reserveAddr() (addr string, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, os.NewSyscallError("socket", err)
	}
	release = func() { _ = syscall.Close(fd) }
	port, err := bindAny(fd)
	if err != nil {
		release()
		return "", nil, err
	}
	return "127.0.0.1:" + strconv.Itoa(port), release, nil
}

// bindAny binds the socket to a free port of the loopback interface.
func bindAny(fd int) (port int, err error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	return bound.(*syscall.SockaddrInet4).Port, nil
}

// owner is the user that a server runs as. A nil owner is the current user.
type owner struct{ uid, gid int }

// lookupOwner returns the named user when the current one is root, which some
// servers refuse to run as, and nil otherwise.
func lookupOwner(name string) (*owner, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	return &owner{uid: uid, gid: gid}, nil
}

// give makes dir the owner's, and lets everyone enter it.
func (o *owner) give(dir string) error {
	if o != nil {
		if err := os.Chown(dir, o.uid, o.gid); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755) //nolint:gosec // entered by the server's user and the test's
}

// command returns a command that runs in dir as the owner, in a process group of
// its own.
func (o *owner) command(dir string, argv []string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // the owner of the process ends it
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return cmd
}

// process is a running server.
type process struct {
	pid  int
	done chan struct{} // closed when the process has ended
}

// startProcess starts a process whose output goes to logFile. Should this one
// die before it, the kernel sends it the signal quit.
func startProcess(cmd *exec.Cmd, quit syscall.Signal, logFile string) (*process, error) {
	out, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr.Pdeathsig = quit

	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The parent that Pdeathsig watches is a thread, this one: it has to
		// live as long as the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // a server that was told to end may call that an error
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

var errEnded = errors.New("the process has ended by itself")

// ended reports whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end, kills its group if it does not, and waits.
func (p *process) stop(sig syscall.Signal) {
	if p.ended() {
		return
	}
	_ = p.resume() // a frozen process sees no other signal
	_ = syscall.Kill(p.pid, sig)
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		<-p.done
	}
}

// pause freezes the process, and then its children, of which it can have no new
// ones by then. PostgreSQL puts each of them into a session of its own, so that
// a signal to the process group would miss them.
func (p *process) pause() error {
	if p.ended() { // by itself; its pid may be another's by now
		return errEnded
	}
	if err := freeze(p.pid); err != nil {
		return err
	}
	for _, child := range children(p.pid) {
		if err := freeze(child); err != nil {
			return err
		}
	}
	return nil
}

// resume lets the process and its children go on.
func (p *process) resume() error {
	if p.ended() {
		return errEnded
	}
	for _, child := range children(p.pid) {
		_ = syscall.Kill(child, syscall.SIGCONT) // it may just have ended
	}
	return syscall.Kill(p.pid, syscall.SIGCONT)
}

// freeze stops a process and waits until it has stopped, or ended.
func freeze(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return os.NewSyscallError("kill", err)
	}
	for range 1000 {
		switch state, _ := procStat(pid); state {
		case 'T', 'Z', 0:
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("process %d does not stop", pid)
}

// children returns the processes whose parent is pid.
func children(pid int) []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if _, parent := procStat(child); parent == pid {
			pids = append(pids, child)
		}
	}
	return pids
}

// procStat returns a process's state letter and its parent, or zeros when the
// process has ended (proc(5)).
func procStat(pid int) (state byte, parent int) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	// The fields follow the name, which may itself hold spaces and brackets.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(string(fields[1]))
	return fields[0][0], parent
}
