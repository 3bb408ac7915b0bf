package cachemon

import "github.com/redis/go-redis/v9"

// replySize is the bytes of values in a reply, as far as they are cheap to know.
func replySize(cmd redis.Cmder) (n int) {
	switch v := cmd.(type) {
	case *redis.StringCmd:
		return len(v.Val())
	case *redis.SliceCmd:
		return sizes(v.Val())
	case *redis.StringSliceCmd:
		for _, s := range v.Val() {
			n += len(s)
		}
	case *redis.MapStringStringCmd:
		for k, s := range v.Val() {
			n += len(k) + len(s)
		}
	case *redis.Cmd:
		switch r := v.Val().(type) {
		case string:
			return len(r)
		case []any:
			return sizes(r)
		}
	}
	return n
}

// biggest is the bytes of the biggest value among the arguments from position
// at on, and where it stands.
func biggest(args []any, at int) (n, pos int) {
	for i, a := range args[min(at, len(args)):] {
		if s := size(a); s > n {
			n, pos = s, at+i
		}
	}
	return n, pos
}

func sizes(all []any) (n int) {
	for _, a := range all {
		n += size(a)
	}
	return n
}

func size(a any) int {
	switch v := a.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 0
}
