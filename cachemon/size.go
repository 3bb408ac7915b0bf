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

// biggest is the bytes of the biggest value among the arguments at position at
// and each step further, and where it stands.
func biggest(args []any, at, step int) (n, pos int) {
	for i := at; i < len(args); i += step {
		if s := size(args[i]); s > n {
			n, pos = s, i
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
