package host

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// mount is one line of mountinfo.
type mount struct {
	device, point, fstype string
	readonly              bool
}

// parseMount reads a line of mountinfo, whose form is in proc_pid_mountinfo(5);
// ok is false for one that has another.
func parseMount(line string) (m mount, ok bool) {
	const point, options, tags = 4, 5, 6
	f := strings.Split(line, " ") // a device may be empty
	if len(f) < tags {
		return mount{}, false
	}
	dash := slices.Index(f[tags:], "-")
	if dash < 0 || len(f) < tags+dash+4 {
		return mount{}, false
	}
	last := f[tags+dash+1:] // type, device, options of the filesystem
	readonly := func(options string) bool { return slices.Contains(strings.Split(options, ","), "ro") }
	return mount{
		device: last[1], point: f[point], fstype: last[0],
		readonly: readonly(f[options]) || readonly(last[2]),
	}, f[point] != "" && last[0] != ""
}

// legible returns the mount as labels show it: a byte that is not UTF-8 is
// written out, as \xff, so that two names do not become one.
func (m mount) legible() mount {
	m.device, m.point, m.fstype = legible(m.device), legible(m.point), legible(m.fstype)
	return m
}

func legible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// shown returns the mounts that are of interest, each mount point once: where
// several are stacked, the topmost, which is the one that answers.
func (c *config) shown(all []mount) []mount {
	at := map[string]int{}
	var out []mount
	for _, m := range all {
		m.point = unescape(m.point)
		m.device = withoutCredentials(unescape(m.device))
		i, stacked := at[m.point]
		switch {
		case c.leftOut(m):
			if stacked { // what lay below cannot be seen any more
				out[i].point = ""
				delete(at, m.point)
			}
		case stacked:
			out[i] = m
		default:
			at[m.point] = len(out)
			out = append(out, m)
		}
	}
	return slices.DeleteFunc(out, func(m mount) bool { return m.point == "" })
}

func (c *config) leftOut(m mount) bool {
	containerRoot := m.point == "/" && m.fstype == "overlay"
	return c.points.MatchString(m.point) || (c.types.MatchString(m.fstype) && !containerRoot)
}

// path is where this process finds a mount point of the machine.
func (c *config) path(point string) string { return path.Join(c.root, point) }

// unescape turns mountinfo's octal escapes (\040 for a space) into characters.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1:i+4]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && strings.Trim(s, "01234567") == ""
}

// withoutCredentials cuts user and password out of the device of a network
// filesystem: https://user:password@host/dav, //user:password@server/share.
func withoutCredentials(device string) string {
	at := strings.Index(device, "//")
	if at < 0 {
		return device
	}
	host := device[at+2:]
	end := strings.IndexByte(host, '/')
	if end < 0 {
		end = len(host)
	}
	if cred := strings.LastIndexByte(host[:end], '@'); cred >= 0 {
		return device[:at+2] + host[cred+1:]
	}
	return device
}
