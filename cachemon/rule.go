package cachemon

import "github.com/redis/go-redis/v9"

// A Rule says how the reply of a command tells hits from misses.
type Rule uint8

// The rules.
const (
	// CountNone counts nothing: the command is no look-up.
	CountNone Rule = iota
	// CountReply counts one look-up: a nil reply is a miss. GET, HGET.
	CountReply
	// CountElements counts each element of the reply: a nil one is a miss. MGET, HMGET.
	CountElements
	// CountEmpty counts one look-up: an empty reply is a miss. HGETALL, SMEMBERS, LRANGE.
	CountEmpty
	// CountNumber reads the reply as the number of keys that were found. EXISTS.
	CountNumber
	ruleEnd
)

// found is what a reply says: how many keys were looked up, how many were there.
type found struct{ hits, misses int }

// outcome applies the command's rule to a reply. missing says that the reply
// as a whole was nil. A reply of a type that the rule cannot read counts nothing.
func (c *command) outcome(cmd redis.Cmder, args []any, missing bool) (f found) {
	switch {
	case c.rule == CountNone:
	case missing:
		f.misses = 1
		if c.keys {
			f.misses = max(len(args)-c.key, 1)
		}
	case c.rule == CountReply:
		f.hits = 1
		if v, ok := cmd.(*redis.Cmd); ok && v.Val() == nil {
			f = found{misses: 1}
		}
	case c.rule == CountElements:
		f = elements(cmd)
	case c.rule == CountEmpty:
		if n, ok := length(cmd); ok && n > 0 {
			f.hits = 1
		} else if ok {
			f.misses = 1
		}
	case c.rule == CountNumber:
		if n, ok := number(cmd); ok {
			asked := 1
			if c.keys {
				asked = max(len(args)-c.key, 1)
			}
			f.hits = min(max(n, 0), asked)
			f.misses = asked - f.hits
		}
	}
	return f
}

// elements counts the elements of a reply that are there and those that are nil.
func elements(cmd redis.Cmder) (f found) {
	switch v := cmd.(type) {
	case *redis.SliceCmd:
		return nils(v.Val())
	case *redis.JSONSliceCmd:
		return nils(v.Val())
	case *redis.Cmd:
		s, _ := v.Val().([]any)
		return nils(s)
	case *redis.StringSliceCmd: // cannot tell nil from empty
		for _, s := range v.Val() {
			if s == "" {
				f.misses++
			} else {
				f.hits++
			}
		}
	case *redis.GeoPosCmd:
		for _, p := range v.Val() {
			if p == nil {
				f.misses++
			} else {
				f.hits++
			}
		}
	}
	return f
}

func nils(all []any) (f found) {
	for _, e := range all {
		if e == nil {
			f.misses++
		}
	}
	f.hits = len(all) - f.misses
	return f
}

// length is the number of elements of a reply, ok is false if it has none.
func length(cmd redis.Cmder) (n int, ok bool) {
	switch v := cmd.(type) {
	case *redis.MapStringStringCmd:
		return len(v.Val()), true
	case *redis.StringSliceCmd:
		return len(v.Val()), true
	case *redis.StringStructMapCmd:
		return len(v.Val()), true
	case *redis.SliceCmd:
		return len(v.Val()), true
	case *redis.ZSliceCmd:
		return len(v.Val()), true
	case *redis.KeyValueSliceCmd:
		return len(v.Val()), true
	case *redis.IntSliceCmd:
		return len(v.Val()), true
	case *redis.FloatSliceCmd:
		return len(v.Val()), true
	case *redis.MapStringIntCmd:
		return len(v.Val()), true
	case *redis.MapStringInterfaceCmd:
		return len(v.Val()), true
	case *redis.StringCmd:
		return len(v.Val()), true
	case *redis.Cmd:
		switch r := v.Val().(type) {
		case []any:
			return len(r), true
		case map[any]any:
			return len(r), true
		case string:
			return len(r), true
		}
	}
	return 0, false
}

// number is a reply that is an integer or a truth.
func number(cmd redis.Cmder) (n int, ok bool) {
	switch v := cmd.(type) {
	case *redis.IntCmd:
		return int(v.Val()), true
	case *redis.BoolCmd:
		if v.Val() {
			n = 1
		}
		return n, true
	case *redis.Cmd:
		switch r := v.Val().(type) {
		case int64:
			return int(r), true
		case bool:
			if r {
				n = 1
			}
			return n, true
		}
	}
	return 0, false
}
