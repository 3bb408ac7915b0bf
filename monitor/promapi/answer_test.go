package promapi_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

var hour = monitor.Range{From: noon, To: noon.Add(time.Hour), Step: time.Minute}

// TestAnswers: forms that the server of the suite does not give.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := setup(t, serve(t, says(200, vector(`{"metric":{"市场/name":"沪深","a.b":"c"},"value":[1772625600.5,"-Inf"]}`))))
	got, err := s.Query(t.Context(), "x", noon)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, monitor.Labels{"市场/name": "沪深", "a.b": "c"}, got[0].Labels)
	require.True(t, got[0].Time.Equal(noon.Add(500*time.Millisecond)), got[0].Time)
	require.True(t, math.IsInf(got[0].Value, -1))

	empty := `{"metric":{"a":"1"},"values":[]}`
	full := `{"metric":{"a":"2"},"values":[[1772625600,"NaN"],[1772625660,"2"]]}`
	s = setup(t, serve(t, says(200, matrix(empty+","+full))))
	series, err := s.QueryRange(t.Context(), "x", hour)
	require.NoError(t, err)
	require.Len(t, series, 1, "a series without points is none")
	require.Equal(t, monitor.Labels{"a": "2"}, series[0].Labels)
	require.Len(t, series[0].Points, 2)
	require.True(t, math.IsNaN(series[0].Points[0].Value))
}

// TestGarbage: whatever a server answers is an error of a kind.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"nothing":               {200, "", monitor.ErrQueryUnavailable},
		"no content":            {204, "", monitor.ErrQueryUnavailable},
		"a page":                {200, "<html>please log in</html>", monitor.ErrQueryUnavailable},
		"other JSON":            {200, "{}", monitor.ErrQueryUnavailable},
		"half":                  {200, vector(one)[:50], monitor.ErrQueryUnavailable},
		"no data":               {200, `{"status":"success"}`, monitor.ErrQueryUnavailable},
		"null data":             {200, `{"status":"success","data":null}`, monitor.ErrQueryUnavailable},
		"unknown type":          {200, `{"status":"success","data":{"resultType":"tensor","result":[]}}`, monitor.ErrQueryUnavailable},
		"null sample":           {200, vector("null"), monitor.ErrQueryUnavailable},
		"no number":             {200, vector(`{"metric":{},"value":[1,"x"]}`), monitor.ErrQueryUnavailable},
		"text":                  {200, `{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`, monitor.ErrQueryInvalid},
		"an error as success":   {200, `{"status":"error","errorType":"bad_data","error":"no"}`, monitor.ErrQueryInvalid},
		"a success as error":    {400, vector(one), monitor.ErrQueryUnavailable},
		"bad data":              {400, `{"status":"error","errorType":"bad_data","error":"no"}`, monitor.ErrQueryInvalid},
		"execution":             {422, `{"status":"error","errorType":"execution","error":"no"}`, monitor.ErrQueryInvalid},
		"VictoriaMetrics's":     {422, `{"status":"error","errorType":"422","error":"no"}`, monitor.ErrQueryInvalid},
		"VictoriaMetrics's 2":   {422, `{"status":"error","errorType":"422","error":"too many points for the given step"}`, monitor.ErrQueryLimit},
		"Mimir's":               {422, `{"status":"error","errorType":"execution","error":"the query exceeded (err-mimir-max-series-per-query)"}`, monitor.ErrQueryLimit},
		"a proxy's 400":         {400, "<html>plain HTTP</html>", monitor.ErrQueryUnavailable},
		"unauthorized":          {401, "no org id", monitor.ErrQueryDenied},
		"forbidden":             {403, "", monitor.ErrQueryDenied},
		"wrong path":            {404, "", monitor.ErrQueryUnavailable},
		"redirect":              {307, "", monitor.ErrQueryUnavailable},
		"too large":             {413, "", monitor.ErrQueryLimit},
		"too many":              {429, "", monitor.ErrQueryUnavailable},
		"internal":              {500, `{"status":"error","errorType":"internal","error":"no"}`, monitor.ErrQueryUnavailable},
		"timeout":               {503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, monitor.ErrQueryTimeout},
		"cancelled":             {503, `{"status":"error","errorType":"canceled","error":"no"}`, monitor.ErrQueryUnavailable},
		"not to be":             {599, "", monitor.ErrQueryUnavailable},
		"a histogram":           {200, vector(one + `,{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[]}]}`), monitor.ErrQueryInvalid},
		"a range of values":     {200, matrix(`{"metric":{},"values":[[1,"1"]]}`), monitor.ErrQueryInvalid},
		"no value":              {200, vector(`{"metric":{}}`), monitor.ErrQueryUnavailable},
		"null value":            {200, vector(`{"metric":{},"value":null}`), monitor.ErrQueryUnavailable},
		"null after a value":    {200, vector(`{"metric":{},"value":[1,"2"],"value":null}`), monitor.ErrQueryUnavailable},
		"empty value":           {200, vector(`{"metric":{},"value":[]}`), monitor.ErrQueryUnavailable},
		"time only":             {200, vector(`{"metric":{},"value":[1]}`), monitor.ErrQueryUnavailable},
		"null number":           {200, vector(`{"metric":{},"value":[1,null]}`), monitor.ErrQueryUnavailable},
		"null time":             {200, vector(`{"metric":{},"value":[null,"1"]}`), monitor.ErrQueryUnavailable},
		"three of a pair":       {200, vector(`{"metric":{},"value":[1,"1","1"]}`), monitor.ErrQueryUnavailable},
		"another name":          {200, vector(`{"metric":{},"values":[[1,"1"]]}`), monitor.ErrQueryUnavailable},
		"the second has none":   {200, vector(one + `,{"metric":{}}`), monitor.ErrQueryUnavailable},
		"null histogram":        {200, vector(`{"metric":{},"histogram":null}`), monitor.ErrQueryUnavailable},
		"null vector":           {200, `{"status":"success","data":{"resultType":"vector","result":null}}`, monitor.ErrQueryUnavailable},
		"null scalar":           {200, `{"status":"success","data":{"resultType":"scalar","result":null}}`, monitor.ErrQueryUnavailable},
		"scalar without a time": {200, `{"status":"success","data":{"resultType":"scalar","result":[null,"1"]}}`, monitor.ErrQueryUnavailable},
		"half, and an error":    {200, `{"status":"error","errorType":"bad_data","data":{"resultType":"vector","result":[` + one + `]}}`, monitor.ErrQueryInvalid},
		"half, and a status":    {422, `{"status":"error","errorType":"bad_data","data":{"resultType":"vector","result":[` + one + `]}}`, monitor.ErrQueryInvalid},
		"a list of 2,000 lists": {200, `{"status":"success","data":` + strings.Repeat("[", 2000), monitor.ErrQueryUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, serve(t, says(c.status, c.body)), promapi.WithRetry(2, time.Millisecond, time.Millisecond))
			got, err := s.Query(t.Context(), "x", noon)
			require.ErrorIs(t, err, c.want)
			require.Nil(t, got)
			require.ErrorContains(t, err, `promapi: test: query "x": `)
			require.Equal(t, c.want, kindOf(err), "of that kind alone: %v", err)
		})
	}
	t.Run("ranges", func(t *testing.T) {
		t.Parallel()
		for body, want := range map[string]error{
			vector(one):    monitor.ErrQueryUnavailable,
			matrix("null"): monitor.ErrQueryUnavailable,
			matrix(`{"metric":{},"histograms":[[1,{"count":"1","sum":"1","buckets":[]}]]}`): monitor.ErrQueryInvalid,

			matrix(`{"metric":{},"values":[[1,null]]}`):                         monitor.ErrQueryUnavailable,
			matrix(`{"metric":{},"values":[[1]]}`):                              monitor.ErrQueryUnavailable,
			matrix(`{"metric":{},"values":[[]]}`):                               monitor.ErrQueryUnavailable,
			matrix(`{"metric":{},"values":[[2,"1"],[1,"1"]]}`):                  monitor.ErrQueryUnavailable,
			matrix(`{"metric":{},"values":[[1,"1"],[1,"2"]]}`):                  monitor.ErrQueryUnavailable,
			`{"status":"success","data":{"resultType":"matrix","result":null}}`: monitor.ErrQueryUnavailable,
		} {
			_, err := setup(t, serve(t, says(200, body))).QueryRange(t.Context(), "x", hour)
			require.ErrorIs(t, err, want, body)
		}
	})
}

// TestNumbers: what is a sample or a scalar with all its parts stays one.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]float64{
		vector(one): {1},
		vector(""):  nil,
		`{"data":{"result":[` + one + `],"resultType":"vector"},"status":"success"}`:           {1},
		`{"status":"success","data":{"resultType":"scalar","result":[1772625600.5,"-Inf"]}}`:   {math.Inf(-1)},
		`{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"2.5e3"]}]}}`: {2500},
	} {
		got, err := setup(t, serve(t, says(200, body))).Query(t.Context(), "x", noon)
		require.NoError(t, err, body)
		var numbers []float64
		for _, s := range got {
			numbers = append(numbers, s.Value)
		}
		require.Equal(t, want, numbers, body)
	}
}

// TestHalfAList: of a list that breaks off, or comes with an error, there is nothing.
func TestHalfAList(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, body := range []string{
		`{"status":"success","data":[{"a":"b"},{"a":5}]}`,
		`{"status":"success","data":["a",7]}`,
		`{"status":"error","errorType":"execution","error":"no","data":[{"a":"b"}]}`,
		`{"status":"error","errorType":"execution","error":"no","data":["a"]}`,
	} {
		s := setup(t, serve(t, says(200, body)))
		series, err := s.Series(ctx, promapi.Window{}, "x")
		require.Error(t, err)
		require.Empty(t, series)
		names, err := s.LabelNames(ctx, promapi.Window{})
		require.Error(t, err)
		require.Empty(t, names)
		values, err := s.LabelValues(ctx, "a", promapi.Window{})
		require.Error(t, err)
		require.Empty(t, values)
	}
}

// TestLongErrors: what a server says is cut short.
func TestLongErrors(t *testing.T) {
	t.Parallel()
	body := `{"status":"error","errorType":"bad_data","error":"` + strings.Repeat("no\\n", 10_000) + `"}`
	_, err := setup(t, serve(t, says(400, body))).Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	require.Less(t, len(err.Error()), 700)
	require.NotContains(t, err.Error(), "\n")
}

// TestMaxResponse: an answer is read to its limit, whatever its length or
// compression.
func TestMaxResponse(t *testing.T) {
	t.Parallel()
	body := vector(one)
	url := serve(t, says(200, body))
	_, err := setup(t, url, promapi.WithMaxResponse(int64(len(body)))).Query(t.Context(), "x", noon)
	require.NoError(t, err)
	s := setup(t, url, promapi.WithMaxResponse(int64(len(body)-1)))
	_, err = s.Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	require.ErrorContains(t, err, fmt.Sprintf("more than %d bytes", len(body)-1))
	require.InDelta(t, 1, s.count(t, `monitor_promapi_query_errors_total{reason="limit",server="test"}`), 0)

	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	_, err = setup(t, endless, promapi.WithMaxResponse(1<<20)).Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
}

// TestWarnings are counted, each of them, and logged once a minute.
func TestWarnings(t *testing.T) {
	t.Parallel()
	body := strings.Replace(vector(one), `"status"`, `"warnings":["store\nis away","another"],"infos":["may not be a counter"],"status"`, 1)
	s := setup(t, serve(t, says(200, body)))
	for range 3 {
		got, err := s.Query(t.Context(), "x", noon)
		require.NoError(t, err)
		require.Len(t, got, 1)
	}
	require.InDelta(t, 6, s.count(t, `monitor_promapi_warnings_total{server="test"}`), 0)
	require.Equal(t, 1, strings.Count(s.log.String(), "\n"), s.log)
	require.Contains(t, s.log.String(), `level=WARN msg="metrics server answered with warnings" server=test warning="store is away" warnings=2`)
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, vector(one))
	f.Add(200, matrix(`{"metric":{},"values":[[1,"1"]]}`))
	f.Add(200, vector(`{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[0,"0","1","1"]]}]}`))
	f.Add(200, `{"status":"success","data":["a","b"]}`)
	f.Add(200, `{"status":"success","data":[{"a":"b"},null]}`)
	f.Add(200, `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`)
	f.Add(400, `{"status":"error","errorType":"bad_data","error":"no"}`)
	f.Add(503, `{"status":"error","errorType":"timeout"}`)
	m, err := monitor.New()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			return
		}
		c, err := promapi.New(m, "http://test", promapi.WithRetry(1, 1, 1), promapi.WithTransport(answering(status, body)))
		require.NoError(t, err)
		_, errQuery := c.Query(t.Context(), "x", noon)
		_, errRange := c.QueryRange(t.Context(), "x", hour)
		_, errSeries := c.Series(t.Context(), promapi.Window{}, "x")
		_, errNames := c.LabelNames(t.Context(), promapi.Window{})
		_, errValues := c.LabelValues(t.Context(), "x", promapi.Window{})
		_, errMeta := c.Metadata(t.Context(), "")
		for _, err := range []error{errQuery, errRange, errSeries, errNames, errValues, errMeta} {
			if err != nil && kindOf(err) == nil {
				t.Fatalf("%v is of no kind", err)
			}
		}
	})
}
