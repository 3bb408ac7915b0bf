package probe_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
)

// record types of RFC 1035 and RFC 3596.
const (
	typeA, typeNS, typeCNAME, typeMX, typeTXT, typeAAAA = 1, 2, 5, 15, 16, 28
)

// zone is what a scripted name server knows: by lower-case name and type, the
// data of the records. A name in mute gets no answer at all.
type zone struct {
	records map[string]map[uint16][][]byte
	mute    string
}

func wire(name string) (out []byte) {
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		out = append(append(out, byte(len(label))), label...)
	}
	return append(out, 0)
}

func ip(s string) []byte { return netip.MustParseAddr(s).AsSlice() }

// serve answers DNS queries over UDP until the test ends.
func (z zone) serve(t testing.TB) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := z.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		wg.Wait()
	})
	return conn.LocalAddr().String()
}

func (z zone) answer(query []byte) []byte {
	var labels []string
	at := 12
	for query[at] != 0 {
		n := int(query[at])
		labels = append(labels, string(query[at+1:at+1+n]))
		at += 1 + n
	}
	name := strings.ToLower(strings.Join(labels, "."))
	qtype := binary.BigEndian.Uint16(query[at+1:])
	if name == z.mute {
		return nil
	}
	known, exists := z.records[name]
	data := known[qtype]
	alias := known[typeCNAME]
	out := append([]byte(nil), query[:2]...) // the id
	flags := uint16(0x8180)
	if !exists {
		flags |= 3 // NXDOMAIN
	}
	out = binary.BigEndian.AppendUint16(out, flags)
	out = binary.BigEndian.AppendUint16(out, 1) // questions
	count := len(data)
	var target []byte
	if len(alias) > 0 && qtype != typeCNAME {
		target = alias[0]
		data = z.records[parse(target)][qtype]
		count = 1 + len(data)
	}
	out = binary.BigEndian.AppendUint16(out, uint16(count))
	out = append(out, 0, 0, 0, 0)
	out = append(out, query[12:at+5]...)
	owner := []byte{0xc0, 12} // the question's name
	add := func(owner []byte, typ uint16, rdata []byte) {
		out = append(out, owner...)
		out = binary.BigEndian.AppendUint16(out, typ)
		out = append(out, 0, 1, 0, 0, 0, 60)
		out = binary.BigEndian.AppendUint16(out, uint16(len(rdata)))
		out = append(out, rdata...)
	}
	if target != nil {
		add(owner, typeCNAME, target)
		owner = target
	}
	for _, d := range data {
		add(owner, qtype, d)
	}
	return out
}

func parse(wired []byte) string {
	var labels []string
	for at := 0; wired[at] != 0; at += 1 + int(wired[at]) {
		labels = append(labels, string(wired[at+1:at+1+int(wired[at])]))
	}
	return strings.Join(labels, ".")
}

var testZone = zone{
	mute: "mute.test",
	records: map[string]map[uint16][][]byte{
		"quotes.test": {
			typeA:    {ip("127.0.0.1"), ip("192.0.2.7")},
			typeAAAA: {ip("2001:db8::7")},
			typeMX:   {append([]byte{0, 10}, wire("mail.quotes.test")...)},
			typeNS:   {wire("ns1.quotes.test"), wire("ns2.quotes.test")},
			typeTXT:  {append([]byte{7}, "v=spf1 "...)},
		},
		"www.quotes.test": {typeCNAME: {wire("quotes.test")}},
	},
}

func TestDNS(t *testing.T) {
	t.Parallel()
	address := testZone.serve(t)
	for name, c := range map[string]struct {
		check  probe.DNS
		reason probe.Reason
		detail string
	}{
		"resolves":         {check: probe.DNS{Name: "quotes.test"}},
		"A":                {check: probe.DNS{Name: "Quotes.test.", Type: "A", Want: []string{"192.0.2.7", "127.0.0.1"}}},
		"another A":        {check: probe.DNS{Name: "quotes.test", Want: []string{"192.0.2.8"}}, reason: probe.ReasonAnswer, detail: "192.0.2.8 is not among 127.0.0.1, 192.0.2.7"},
		"AAAA":             {check: probe.DNS{Name: "quotes.test", Type: "AAAA", Want: []string{"2001:DB8:0::7"}}},
		"CNAME":            {check: probe.DNS{Name: "www.quotes.test", Type: "CNAME", Want: []string{"Quotes.test"}}},
		"MX":               {check: probe.DNS{Name: "quotes.test", Type: "MX", Want: []string{"mail.quotes.test"}}},
		"NS":               {check: probe.DNS{Name: "quotes.test", Type: "NS", Want: []string{"ns2.quotes.test."}}},
		"another NS":       {check: probe.DNS{Name: "quotes.test", Type: "NS", Want: []string{"ns3.quotes.test"}}, reason: probe.ReasonAnswer, detail: "ns1.quotes.test"},
		"TXT":              {check: probe.DNS{Name: "quotes.test", Type: "TXT", Want: []string{"v=spf1 "}}},
		"TXT has case":     {check: probe.DNS{Name: "quotes.test", Type: "TXT", Want: []string{"V=spf1 "}}, reason: probe.ReasonAnswer, detail: "is not among"},
		"does not exist":   {check: probe.DNS{Name: "none.test"}, reason: probe.ReasonDNS, detail: "resolve none.test: no such host"},
		"has no such type": {check: probe.DNS{Name: "quotes.test", Type: "CNAME", Want: []string{"other.test"}}, reason: probe.ReasonAnswer, detail: "quotes.test"},
		"is not answered":  {check: probe.DNS{Name: "mute.test"}, reason: probe.ReasonTimeout, detail: "resolving mute.test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.check.Server = address
			timeout := 10 * time.Second
			if c.reason == probe.ReasonTimeout {
				timeout = 50 * time.Millisecond
			}
			b := setup(t, []probe.Target{{Name: "api", Check: c.check, Timeout: timeout}})
			r := b.check(t)
			require.Equal(t, "dns", r.Prober)
			require.Positive(t, r.DNSLookup)
			require.LessOrEqual(t, r.DNSLookup, r.Duration)
			require.Len(t, b.exposition("probe_dns_lookup_time_seconds{"), 1)
			if c.reason != "" {
				requireFailure(t, r, c.reason, c.detail)
				return
			}
			require.NoError(t, r.Err)
		})
	}
	requireFailure(t, one(t, probe.DNS{Name: "quotes.test", Server: closed(t)}).check(t), probe.ReasonDNS, "resolve quotes.test")
}

// TestNamesAreResolvedByTheGivenResolver: an HTTP check's time for it is known.
func TestNamesAreResolvedByTheGivenResolver(t *testing.T) {
	t.Parallel()
	z := zone{records: map[string]map[uint16][][]byte{"api.quotes.test": {typeA: {ip("127.0.0.1")}}}, mute: "mute.test"}
	address := z.serve(t)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		}
		return conn, err
	}}
	api := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	_, port, err := net.SplitHostPort(api.Listener.Addr().String())
	require.NoError(t, err)
	b := setup(t, []probe.Target{
		{Name: "http", Check: probe.HTTP{URL: "http://api.quotes.test:" + port, WantBody: "api.quotes.test"}},
		{Name: "tcp", Check: probe.TCP{Address: "api.quotes.test:" + port}},
		{Name: "dns", Check: probe.DNS{Name: "api.quotes.test", Want: []string{"127.0.0.1"}}},
		{Name: "none", Check: probe.HTTP{URL: "http://none.quotes.test:" + port}},
		{Name: "mute", Check: probe.HTTP{URL: "http://mute.test:" + port}, Timeout: 100 * time.Millisecond},
	}, probe.WithResolver(resolver))
	results := b.Probe(t.Context(), b.m.Now())
	require.Len(t, results, 5)
	for _, r := range results[:3] {
		require.NoError(t, r.Err, r.Target)
		require.Positive(t, r.DNSLookup, r.Target)
		require.Less(t, r.DNSLookup, r.Duration)
	}
	requireFailure(t, results[3], probe.ReasonDNS, "resolve none.quotes.test: no such host")
	requireFailure(t, results[4], probe.ReasonTimeout, "resolving")
	require.Len(t, b.exposition("probe_dns_lookup_time_seconds{"), 5)
}
