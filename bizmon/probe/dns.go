package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// DNS checks that a name resolves, and to what.
type DNS struct {
	Name   string   // required; taken as complete: no search domains are tried
	Type   string   // A, AAAA, CNAME, MX, NS or TXT; empty: A
	Server string   // host:port to ask; empty: the system's resolver
	Want   []string // each must be among the answers: addresses, names, texts
}

var dnsTypes = []string{"A", "AAAA", "CNAME", "MX", "NS", "TXT"}

func (c DNS) prober() string    { return "dns" }
func (c DNS) secrets() []string { return nil }

func (c DNS) problems() (out []problem) {
	if strings.Trim(c.Name, ".") == "" || strings.ContainsAny(c.Name, "/:@ ") {
		out = append(out, problem{"Name", fmt.Sprintf("%q", c.Name), "a name"})
	}
	if c.Type != "" && !slices.Contains(dnsTypes, c.Type) {
		out = append(out, problem{"Type", fmt.Sprintf("%q", c.Type), fmt.Sprintf("one of %v", dnsTypes)})
	}
	if c.Server != "" {
		out = append(out, addressProblems("Server", c.Server)...)
	}
	return out
}

func (c DNS) run(ctx context.Context, a *attempt) error {
	a.enter("resolving the name")
	begin := time.Now()
	got, err := c.lookup(ctx, c.resolver(a), strings.TrimSuffix(c.Name, ".")+".")
	a.mu.Lock()
	a.lookup, a.resolving = time.Since(begin), time.Time{} // the trace knows addresses only
	a.mu.Unlock()
	if err != nil {
		return err
	}
	for i := range got {
		got[i] = c.canonical(got[i])
	}
	for _, want := range c.Want {
		if !slices.Contains(got, c.canonical(want)) {
			return failure(ReasonAnswer, "%s is not among %s", want, some(got))
		}
	}
	return nil
}

func (c DNS) resolver(a *attempt) *net.Resolver {
	if c.Server == "" {
		return a.resolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialServer(ctx, network, c.Server)
	}}
}

// dialServer connects to a name server. Package net leaves a question that
// nobody waits for any more to its own timeout, of 5 s; this ends it at once.
func dialServer(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // package net ends ctx with the question
	return conn, nil
}

func (c DNS) lookup(ctx context.Context, r *net.Resolver, name string) (out []string, err error) {
	switch c.Type {
	case "AAAA":
		return addresses(ctx, r, "ip6", name)
	case "CNAME":
		cname, err := r.LookupCNAME(ctx, name)
		return []string{cname}, err
	case "MX":
		records, err := r.LookupMX(ctx, name)
		for _, mx := range records {
			out = append(out, mx.Host)
		}
		return out, err
	case "NS":
		records, err := r.LookupNS(ctx, name)
		for _, ns := range records {
			out = append(out, ns.Host)
		}
		return out, err
	case "TXT":
		return r.LookupTXT(ctx, name)
	}
	return addresses(ctx, r, "ip4", name)
}

func addresses(ctx context.Context, r *net.Resolver, network, name string) ([]string, error) {
	ips, err := r.LookupNetIP(ctx, network, name)
	out := make([]string, len(ips))
	for i, ip := range ips {
		out[i] = ip.String()
	}
	return out, err
}

// canonical makes answers comparable: names have no case and may end in a dot.
func (c DNS) canonical(s string) string {
	if c.Type == "TXT" {
		return s
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Unmap().String()
	}
	return strings.TrimSuffix(strings.ToLower(s), ".")
}

// some writes the first few of a list.
func some(list []string) string {
	const most = 5
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}
