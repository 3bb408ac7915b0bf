package httpcases

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// A Verdict says whether a subject did right.
type Verdict int

// The verdicts.
const (
	Right  Verdict = iota
	Wrong          // it did something else
	Absent         // it has nothing that the case could judge
)

// String returns the mark of the verdict in a table.
func (v Verdict) String() string { return [...]string{"✓", "✗", "–"}[v] }

// An Observation is what was seen of one case: by the subject's metrics, and
// by the client.
type Observation struct {
	Metrics  Metrics
	Series   []Series // label sets of Requests that rose
	Duration Total
	Request  Total // bytes
	Response Total // bytes
	InFlight float64
	During   float64 // in flight while a request was being served
	Replies  []Reply
}

// A Judge looks at one aspect of an Observation. It says what it saw, in a few
// words, and whether that is right.
type Judge func(Observation) (seen string, verdict Verdict)

// all is wrong if one of the judges is, and absent if all are.
func all(judges ...Judge) Judge {
	return func(o Observation) (string, Verdict) {
		var seen []string
		verdict := Absent
		for _, judge := range judges {
			s, v := judge(o)
			if v == Absent {
				continue
			}
			if s != "" {
				seen = append(seen, s)
			}
			if verdict != Wrong {
				verdict = v
			}
		}
		return strings.Join(seen, ", "), verdict
	}
}

func when(right bool) Verdict {
	if right {
		return Right
	}
	return Wrong
}

// statuses sums up what was counted: "200", "200 ×2, 404", "nothing".
func (o Observation) statuses() string {
	var parts []string
	for _, s := range o.Series {
		part := s.Labels[o.Metrics.Status]
		if s.Count != 1 {
			part += fmt.Sprintf(" ×%v", s.Count)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// counted wants one request with this status and no other.
func counted(status int) Judge {
	return func(o Observation) (string, Verdict) {
		seen := o.statuses()
		return seen, when(seen == strconv.Itoa(status))
	}
}

// method wants the method on the label.
func method(name string) Judge {
	return func(o Observation) (string, Verdict) {
		if o.Metrics.Method == "" || len(o.Series) == 0 {
			return "", Absent
		}
		got := o.Series[0].Labels[o.Metrics.Method]
		if strings.EqualFold(got, name) {
			return "", Right
		}
		return "method " + got, Wrong
	}
}

// abandoned wants a request whose client left to be told from a good one: by
// status 499 or by a label of its own.
func abandoned(o Observation) (string, Verdict) {
	seen := o.statuses()
	if len(o.Series) == 1 && o.Series[0].Labels["client_aborted"] == "true" {
		return seen + " client_aborted", Right
	}
	return seen, when(seen == "499")
}

// raised wants the panic to have reached net/http, which cuts the connection.
func raised(o Observation) (string, Verdict) {
	for _, r := range o.Replies {
		if r.Err == nil {
			return "panic swallowed", Wrong
		}
	}
	return "", Right
}

// untimed wants nothing in the latency histogram.
func untimed(o Observation) (string, Verdict) {
	if o.Metrics.Duration == "" {
		return "", Absent
	}
	if o.Duration.Count > 0 {
		return fmt.Sprintf("%.0f ms in the latency", o.Duration.Sum*1000), Wrong
	}
	return "", Right
}

// timedBelow wants one latency, shorter than the limit in seconds.
func timedBelow(limit float64) Judge {
	return func(o Observation) (string, Verdict) {
		if o.Metrics.Duration == "" {
			return "", Absent
		}
		if o.Duration.Count == 0 {
			return "no latency", Wrong
		}
		if o.Duration.Sum >= limit {
			return "lifetime in the latency", Wrong
		}
		return "first byte in the latency", when(o.Duration.Count == 1)
	}
}

// idle wants nothing in flight any more.
func idle(o Observation) (string, Verdict) {
	if o.Metrics.InFlight == "" {
		return "", Absent
	}
	return fmt.Sprint(o.InFlight), when(o.InFlight == 0)
}

// busy wants one request in flight while it was being served, and none after.
func busy(o Observation) (string, Verdict) {
	if o.Metrics.InFlight == "" {
		return "", Absent
	}
	return fmt.Sprintf("%v, then %v", o.During, o.InFlight), when(o.During == 1 && o.InFlight == 0)
}

func requestBytes(want float64) Judge {
	return func(o Observation) (string, Verdict) {
		return bytesSeen(o.Metrics.RequestBytes, o.Request.Sum, want)
	}
}

func responseBytes(want float64) Judge {
	return func(o Observation) (string, Verdict) {
		return bytesSeen(o.Metrics.ResponseBytes, o.Response.Sum, want)
	}
}

func bytesSeen(metric string, got, want float64) (string, Verdict) {
	if metric == "" {
		return "", Absent
	}
	return fmt.Sprintf("%v B", got), when(got == want)
}

// told wants the handler to have answered its question with yes.
func told(o Observation) (string, Verdict) {
	r := o.Replies[0]
	if r.Err != nil {
		return "no answer", Wrong
	}
	if strings.HasPrefix(r.Body, "y") {
		return "yes", Right
	}
	return "no", Wrong
}

// arrived wants the first byte to have come while the handler still ran.
func arrived(o Observation) (string, Verdict) {
	if err := o.Replies[0].Err; err != nil {
		return "no", Wrong
	}
	return "yes", Right
}

// got wants the client to have seen the status and the informational ones
// before it: a middleware must not change the answer.
func got(status int, early ...int) Judge {
	return func(o Observation) (string, Verdict) {
		r := o.Replies[0]
		if r.Err == nil && r.Status == status && fmt.Sprint(r.Early) == fmt.Sprint(early) {
			return "", Right
		}
		return "client saw " + strings.Trim(fmt.Sprint(append(r.Early, r.Status)), "[]"), Wrong
	}
}

// over wants the protocol.
func over(proto string) Judge {
	return func(o Observation) (string, Verdict) {
		if p := o.Replies[0].Proto; p != proto {
			return p, Wrong
		}
		return "", Right
	}
}

// oneSet wants all requests of the visit in one label set.
func oneSet(o Observation) (string, Verdict) {
	var n float64
	for _, s := range o.Series {
		n += s.Count
	}
	if want := float64(len(o.Replies)); n != want {
		return fmt.Sprintf("%v of %v counted", n, want), Wrong
	}
	return strconv.Itoa(len(o.Series)), when(len(o.Series) == 1)
}

// both wants the requests of both instances counted.
func both(o Observation) (string, Verdict) {
	seen, verdict := oneSet(o)
	if verdict == Right {
		seen = "both counted"
	}
	return seen, verdict
}

// unmatched wants the endpoint label to be what the subject promises for
// requests without a route, or at least not the path the client asked for.
func unmatched(path string) Judge {
	return func(o Observation) (string, Verdict) {
		return promised(o, o.Metrics.Endpoint, o.Metrics.Unmatched, path)
	}
}

// otherMethod wants the method label to be what the subject promises for
// methods it does not know.
func otherMethod(o Observation) (string, Verdict) {
	return promised(o, o.Metrics.Method, o.Metrics.OtherMethod, "")
}

func promised(o Observation, label, promise, raw string) (string, Verdict) {
	if label == "" || len(o.Series) == 0 {
		return "", Absent
	}
	switch value := o.Series[0].Labels[label]; {
	case promise != "" && value != promise:
		return strconv.Quote(value), Wrong
	case promise == "" && raw != "" && strings.Contains(value, raw):
		return "raw path", Wrong
	default:
		return "", Right
	}
}

// itemRoute is /items/{id} in the notation of any router.
var itemRoute = regexp.MustCompile(`/items/(\{id\}|:id)$`)

// routed wants the endpoint label to be the route /items/{id}.
func routed(o Observation) (string, Verdict) {
	if o.Metrics.Endpoint == "" || len(o.Series) == 0 {
		return "", Absent
	}
	value := o.Series[0].Labels[o.Metrics.Endpoint]
	if itemRoute.MatchString(value) {
		return "kept", Right
	}
	return "lost: " + strconv.Quote(value), Wrong
}

// answered wants a 200 counted and given.
func answered() Judge { return all(counted(http.StatusOK), got(http.StatusOK)) }
