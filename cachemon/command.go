package cachemon

import (
	"strings"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// A class says what is recorded of a command.
type class uint8

const (
	ordinary class = iota
	silent         // sets up or checks a connection, or subscribes: nothing is recorded
	blocking       // waits on purpose: counted, not timed
)

// command is what is known of a command before it is sent. Its id is dense.
type command struct {
	id     int
	name   string // the operation label
	class  class
	rule   Rule
	key    int  // position of the first key, 0 for none
	keys   bool // all arguments from key on are keys
	pairs  bool // from key on, keys and values take turns
	count  int  // position of the number of keys, which may be 0; 0 for none
	spread bool // a cluster client may split it or send it to all nodes
	write  int  // position of the first argument that may be a value, 0 for none
	batch  bool // no command, but a pipeline or a transaction
}

// The operations that are no commands.
const (
	opOther = "other"
	opPipe  = "pipeline"
	opTx    = "tx"
)

// commands knows every command by its name, in lower and in upper case, so that
// finding one needs no conversion.
type commands struct {
	byName map[string]*command
	quick  [512]named // a few places that different names may fight over
	other  *command
	pipe   *command
	tx     *command
	n      int
}

// spec is one line of the table of commands.
type spec struct {
	names string
	command
}

// specs is the table of commands. What is not in it is "other".
var specs = []spec{
	// What looks a key up.
	{"get getex lindex hget zscore json.get", command{key: 1, rule: CountReply}},
	{"mget", command{key: 1, keys: true, rule: CountElements, spread: true}},
	{"json.mget", command{key: 1, rule: CountElements, spread: true}},
	{"hmget hgetex zmscore geopos", command{key: 1, rule: CountElements}},
	{"exists", command{key: 1, keys: true, rule: CountNumber, spread: true}},
	{"hexists", command{key: 1, rule: CountNumber}},
	{"hgetall hkeys hvals smembers lrange zrange zrangebyscore zrangebylex zrevrange zrevrangebyscore zrevrangebylex", command{key: 1, rule: CountEmpty}},
	// What reads, and is no look-up of a cache.
	{"getrange substr strlen getbit bitcount bitpos bitfield_ro dump type ttl pttl expiretime pexpiretime lcs digest", command{key: 1}},
	{"hlen hstrlen hrandfield hscan hpttl httl hexpiretime hpexpiretime llen lpos scard sismember smismember srandmember sscan", command{key: 1}},
	{"zcard zcount zlexcount zrank zrevrank zrandmember zscan sort_ro geodist geohash geosearch georadius_ro georadiusbymember_ro", command{key: 1}},
	{"xlen xrange xrevrange xpending pfcount", command{key: 1}},
	{"sdiff sinter sunion", command{key: 1, keys: true}},
	{"zdiff zinter zunion zintercard sintercard", command{key: 2}},
	{"keys randomkey dbsize", command{spread: true}},
	{"scan", command{}},
	// What writes.
	{"set setnx getset append", command{key: 1, write: 2}},
	{"setex psetex setrange", command{key: 1, write: 3}},
	{"mset msetnx", command{key: 1, pairs: true, write: 2, spread: true}},
	{"hset hsetnx hmset hsetex hgetdel hincrby hincrbyfloat hdel hexpire hpexpire hexpireat hpexpireat hpersist", command{key: 1, write: 2}},
	{"lpush rpush lpushx rpushx linsert lset lrem ltrim lpop rpop", command{key: 1, write: 2}},
	{"sadd srem spop", command{key: 1, write: 2}},
	{"zadd zrem zincrby zpopmax zpopmin zremrangebylex zremrangebyrank zremrangebyscore", command{key: 1, write: 2}},
	{"json.set json.merge json.arrappend json.del json.numincrby json.arrinsert json.type json.arrlen json.objlen json.objkeys json.strlen", command{key: 1, write: 2}},
	{"getdel incr incrby incrbyfloat decr decrby setbit bitfield expire expireat pexpire pexpireat persist sort restore", command{key: 1}},
	{"del unlink touch", command{key: 1, keys: true, spread: true}},
	{"rename renamenx copy move lmove rpoplpush smove sdiffstore sinterstore sunionstore zdiffstore zinterstore zunionstore zrangestore", command{key: 1}},
	{"geoadd geosearchstore georadius georadiusbymember pfadd pfmerge", command{key: 1}},
	{"xadd xack xackdel xautoclaim xclaim xdel xdelex xtrim xsetid", command{key: 1}},
	{"bitop object memory xgroup xinfo", command{key: 2}},
	{"lmpop zmpop", command{key: 2}},
	{"eval evalsha eval_ro evalsha_ro fcall fcall_ro", command{key: 3, count: 2}},
	{"migrate", command{key: 3}},
	{"publish spublish", command{}},
	{"flushall flushdb script function", command{spread: true}},
	{"bf.add bf.exists bf.madd bf.mexists bf.reserve cf.add cf.exists cf.del cms.incrby cms.query topk.add topk.query topk.list", command{key: 1}},
	{"ft.search ft.aggregate ft.create ft.info ts.add ts.get ts.range ts.mrange ts.madd vadd vsim", command{key: 1}},
	// What the host or the operator asks of the server.
	{"info slowlog config acl latency lastsave lolwut module bgsave bgrewriteaof save swapdb role debug", command{}},
	// What waits on purpose.
	{"blpop brpop bzpopmin bzpopmax brpoplpush blmove", command{key: 1, class: blocking}},
	{"blmpop bzmpop", command{key: 3, class: blocking}},
	{"wait waitaof", command{class: blocking}},
	// XREAD blocks only if it says so: see classOf.
	{"xread xreadgroup", command{}},
	// What sets up or checks a connection, and what is no request.
	{"hello auth select client readonly readwrite asking reset quit echo ping command cluster sentinel failover", command{class: silent}},
	{"multi exec discard watch unwatch monitor sync psync replconf shutdown", command{class: silent}},
	{"subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe pubsub", command{class: silent}},
}

// newCommands builds the table, with rules of the host's in place of ours.
func newCommands(rules map[string]Rule) *commands {
	cs := &commands{byName: map[string]*command{}}
	add := func(c command) *command {
		c.id = cs.n
		cs.n++
		return &c
	}
	cs.other = add(command{name: instrument.Other})
	cs.pipe = add(command{name: opPipe, batch: true})
	cs.tx = add(command{name: opTx, batch: true})
	put := func(name string, c command) {
		c.name = name
		p := add(c)
		for _, written := range []string{name, strings.ToUpper(name)} {
			cs.byName[written] = p
			if q := &cs.quick[place(written)]; q.command == nil {
				*q = named{written, p}
			}
		}
	}
	for _, s := range specs {
		for name := range strings.FieldsSeq(s.names) {
			c := s.command
			if r, ok := rules[name]; ok {
				c.rule = r
			}
			put(name, c)
		}
	}
	for name, r := range rules {
		if cs.byName[name] == nil {
			put(name, command{key: 1, rule: r})
		}
	}
	return cs
}

// named is a command under one of the ways to write its name.
type named struct {
	name    string
	command *command
}

// place is where a name of one byte or more is looked for first.
func place(name string) uint {
	n := uint(len(name))
	return (n*37 + uint(name[0])*3 + uint(name[n/2])*61 + uint(name[n-1])*17) % 512
}

// of finds the command that the arguments are.
func (cs *commands) of(args []any) *command {
	if len(args) == 0 {
		return cs.other
	}
	name, ok := args[0].(string)
	if !ok || name == "" {
		return cs.other
	}
	if q := &cs.quick[place(name)]; q.name == name {
		return q.command
	}
	if c := cs.byName[name]; c != nil {
		return c
	}
	if c := cs.byName[strings.ToLower(name)]; c != nil { // "Get"
		return c
	}
	return cs.other
}

// classOf is the command's class, given its arguments.
func (c *command) classOf(args []any) class {
	if c.key != 0 || c.class != ordinary || !strings.HasPrefix(c.name, "xread") {
		return c.class
	}
	for _, a := range args[1:] {
		switch s, _ := a.(string); s {
		case "block", "BLOCK":
			return blocking
		case "streams", "STREAMS":
			return ordinary
		}
	}
	return ordinary
}

// keyAt is the command's first key, nil if it has none.
func (c *command) keyAt(args []any) any {
	if c.key == 0 || c.key >= len(args) || c.count > 0 && !positive(args[c.count]) {
		return nil
	}
	return args[c.key]
}

// positive reports whether an argument is sure to be a number above 0.
func positive(arg any) bool {
	switch n := arg.(type) {
	case int:
		return n > 0
	case string:
		return n != "" && n[0] >= '1' && n[0] <= '9'
	}
	return false
}
