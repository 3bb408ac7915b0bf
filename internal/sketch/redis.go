package sketch

import (
	"bytes"
	"fmt"
)

// Stripes is how many of Redis's HyperLogLogs, of 16,384 registers each, hold
// one of ours: one for each value of the hash's first two bits. A hash belongs
// to one stripe only, so that the sum of Redis's four counts is the count, and
// four PFMERGEs are the merge.
const Stripes = registers / redisRegisters

// Redis's representation, from its hyperloglog.c: a header of 16 bytes and
// then the registers, either all in 6 bits each (dense) or as runs (sparse):
// 00xxxxxx is 1 to 64 zeros, 01xxxxxx yyyyyyyy 1 to 16384 zeros, 1vvvvvxx
// 1 to 4 times a value of 1 to 32.
const (
	redisRegisters = 1 << 14
	redisHeader    = 16
	redisDense     = 0
	redisSparse    = 1
	mostSparse     = 3000 // hll-sparse-max-bytes by default; Redis makes it dense past that
)

// AppendRedis appends a stripe as Redis stores a HyperLogLog.
func (s *HyperLogLog) AppendRedis(b []byte, stripe int) []byte {
	start := len(b)
	b = append(b, 'H', 'Y', 'L', 'L', redisSparse, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0x80) // no count is cached
	regs := s.stripe(stripe)
	if out, ok := appendRuns(b, regs); ok {
		return out
	}
	b = b[:start+redisHeader]
	b[start+4] = redisDense
	return packRegisters(b, regs)
}

// stripe returns the registers of a stripe.
func (s *HyperLogLog) stripe(stripe int) []uint8 {
	if s.dense != nil {
		return s.dense[stripe*redisRegisters : (stripe+1)*redisRegisters]
	}
	regs := make([]uint8, redisRegisters)
	for _, e := range s.table {
		if e != 0 && int(e>>8)/redisRegisters == stripe {
			regs[e>>8%redisRegisters] = uint8(e)
		}
	}
	return regs
}

// appendRuns appends registers as runs; ok is false where Redis would not have
// them so.
func appendRuns(b []byte, regs []uint8) (out []byte, ok bool) {
	start := len(b)
	for i := 0; i < len(regs); {
		run := 1
		for i+run < len(regs) && regs[i+run] == regs[i] {
			run++
		}
		v := regs[i]
		if v > 32 {
			return nil, false
		}
		if v > 0 {
			run = min(run, 4)
		}
		switch {
		case v > 0:
			b = append(b, 0x80|(v-1)<<2|byte(run-1))
		case run <= 64:
			b = append(b, byte(run-1))
		default:
			b = append(b, 0x40|byte((run-1)>>8), byte(run-1))
		}
		if len(b)-start > mostSparse {
			return nil, false
		}
		i += run
	}
	return b, true
}

// MergeRedis merges a stripe that Redis holds into s and reports whether that
// changed it. After an error s is what it was.
func (s *HyperLogLog) MergeRedis(stripe int, b []byte) (changed bool, err error) {
	if len(b) < redisHeader || !bytes.HasPrefix(b, []byte("HYLL")) {
		return false, fmt.Errorf("%w of Redis: %d bytes", ErrEncoding, len(b))
	}
	regs := make([]uint8, redisRegisters)
	form, body := b[4], b[redisHeader:]
	switch {
	case form == redisDense && len(body) == redisRegisters*6/8:
		unpackRegisters(regs, body)
	case form == redisSparse && readRuns(regs, body):
	default:
		return false, fmt.Errorf("%w of Redis: form %d, %d bytes", ErrEncoding, form, len(b))
	}
	for i, r := range regs {
		if r > maxRank {
			return false, fmt.Errorf("%w of ours: register %d = %d", ErrEncoding, i, r)
		}
	}
	for i, r := range regs {
		if r > 0 {
			changed = s.raise(uint32(stripe*redisRegisters+i), r) || changed
		}
	}
	return changed, nil
}

// readRuns reports whether the runs are exactly the registers.
func readRuns(regs []uint8, b []byte) bool {
	for len(b) > 0 {
		op, value, run, size := b[0], uint8(0), 0, 1
		switch {
		case op&0x80 != 0:
			value, run = op>>2&31+1, int(op&3)+1
		case op&0x40 == 0:
			run = int(op) + 1
		case len(b) < 2:
			return false
		default:
			size = 2
			run = (int(op&63)<<8 | int(b[1])) + 1
		}
		if run > len(regs) {
			return false
		}
		for i := range run {
			regs[i] = value
		}
		regs, b = regs[run:], b[size:]
	}
	return len(regs) == 0
}
