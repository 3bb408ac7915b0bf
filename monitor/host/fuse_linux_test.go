package host_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/host"
)

// deadMount mounts a filesystem whose server never answers, as a dead NFS
// server does not: a FUSE mount that nobody reads the requests of.
func deadMount(t *testing.T) (point string, revive func()) {
	t.Helper()
	point = filepath.Join(t.TempDir(), "dead")
	require.NoError(t, os.Mkdir(point, 0o700))
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no FUSE here:", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := syscall.Mount("nas:/export", point, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		_ = syscall.Close(fd)
		t.Skip("may not mount here:", err)
	}
	closed := false
	revive = func() { // the kernel fails all requests, waiting ones too
		if !closed {
			closed = true
			_ = syscall.Close(fd)
		}
	}
	t.Cleanup(func() {
		revive()
		_ = syscall.Unmount(point, syscall.MNT_DETACH)
	})
	return point, revive
}

// ownMounts is set in the process that has a mount namespace of its own.
const ownMounts = "CHRONOMON_TEST_OWN_MOUNTS"

// TestDeadMountDoesNotHangTheScrape is about a real mount that blocks statfs.
// It runs in a process of its own, whose mounts nobody else sees: no other
// program of this machine should be blocked by it.
func TestDeadMountDoesNotHangTheScrape(t *testing.T) {
	t.Parallel()
	if os.Getenv(ownMounts) != "" {
		deadMountDoesNotHangTheScrape(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), ownMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skip("no namespaces here:", err)
	}
	require.NoError(t, err, "%s", out)
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("%s", out)
	}
}

func deadMountDoesNotHangTheScrape(t *testing.T) {
	t.Helper()
	point, revive := deadMount(t)
	const timeout = 300 * time.Millisecond
	m, h := setup(t, host.WithStatTimeout(timeout))

	begin := time.Now()
	got := scrape(t, m)
	require.GreaterOrEqual(t, time.Since(begin), timeout)
	require.Less(t, time.Since(begin), 10*timeout, "the scrape came back")
	dead := map[string]string{"mountpoint": point, "fstype": "fuse", "device": "nas:/export", "device_error": "mountpoint timeout"}
	v, ok := find(t, got["node_filesystem_device_error"], dead)
	require.True(t, ok, got["node_filesystem_device_error"])
	require.Equal(t, 1.0, v)
	_, ok = find(t, got["node_filesystem_size_bytes"], map[string]string{"mountpoint": point})
	require.False(t, ok)
	require.NotEmpty(t, got["node_filesystem_size_bytes"].GetMetric(), "the others are read")
	require.Equal(t, []string{point}, h.Hanging())

	before := threads(t)
	for range 5 {
		begin = time.Now()
		got = scrape(t, m)
		require.Less(t, time.Since(begin), timeout, "it is not waited for again")
		skipped, _ := find(t, got["monitor_host_filesystems_skipped"], map[string]string{"reason": "hangs"})
		require.Equal(t, 1.0, skipped)
	}
	require.Less(t, threads(t), before+4, "nor does each scrape leave a thread behind")

	revive()
	require.Eventually(t, func() bool { return len(h.Hanging()) == 0 }, 5*time.Second, time.Millisecond)
	got = scrape(t, m)
	_, ok = find(t, got["node_filesystem_device_error"], map[string]string{"mountpoint": point, "device_error": "transport endpoint is not connected"})
	require.True(t, ok, got["node_filesystem_device_error"])
}

func threads(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "Threads:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(rest))
			require.NoError(t, err)
			return n
		}
	}
	t.Fatal("no count of threads")
	return 0
}
