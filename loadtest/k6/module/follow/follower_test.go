package follow

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"selvage/k6/eventstream"
)

// record writes down what an observer is told.
type record struct {
	mutex sync.Mutex
	said  []string
	on    func(string)
}

func (r *record) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.mutex.Lock()
	r.said = append(r.said, line)
	r.mutex.Unlock()
	if r.on != nil {
		r.on(line)
	}
}
func (r *record) Opened(isResume bool)                   { r.say("opened %v", isResume) }
func (r *record) Event(e eventstream.Event, _ time.Time) { r.say("%s %s", e.Type, e.Data) }
func (r *record) Failed(status int, err error)           { r.say("failed %d %v", status, err != nil) }
func (r *record) Cut(why string)                         { r.say("cut %s", why) }
func (r *record) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(r.said, want) {
		t.Errorf("%q, not %q", r.said, want)
	}
}

// Answers the i-th request by the i-th function, the last of them for all further ones; the ids that were asked with.
func serve(t *testing.T, answers ...http.HandlerFunc) (url string, ids *[]string) {
	t.Helper()
	var mutex sync.Mutex
	ids = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		i := len(*ids)
		*ids = append(*ids, r.Header.Get("Last-Event-ID"))
		mutex.Unlock()
		answers[min(i, len(answers)-1)](w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, ids
}

func stream(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

// held is a stream that stays open.
func held(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		stream(text)(w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

const stop = "event: selvage.close\ndata: {\"code\":\"ended\",\"reconnect\":\"stop\",\"retryMs\":0}\n\n"

func run(t *testing.T, observer *record, options Options) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	options.Observer = observer
	return New(options).Run(ctx)
}

func TestComesBackWithTheLastId(t *testing.T) {
	url, ids := serve(t, stream("retry: 1\ndata: a\nid: 7\n\ndata: cut off\nid: 8\n"), stream("data: b\nid: 9\n\n"), stream(stop))
	r := &record{}
	if why := run(t, r, Options{URLs: []string{url}, LastID: "3"}); why != "stop" {
		t.Errorf("ended by %s", why)
	}
	r.expect(t, "opened true", "message a", "cut end", "opened true", "message b", "cut end", "opened true",
		`selvage.close {"code":"ended","reconnect":"stop","retryMs":0}`, "cut end")
	if !slices.Equal(*ids, []string{"3", "7", "9"}) {
		t.Errorf("asked with %q", *ids)
	}
}

func TestWaitsAsLongAsItWasTold(t *testing.T) {
	url, _ := serve(t, stream("retry: 300\ndata: a\n\n"), stream(stop))
	var cutAt, openedAt time.Time
	r := &record{on: func(line string) {
		if line == "cut end" && cutAt.IsZero() {
			cutAt = time.Now()
		} else if strings.HasPrefix(line, "opened") {
			openedAt = time.Now()
		}
	}}
	run(t, r, Options{URLs: []string{url}})
	if waited := openedAt.Sub(cutAt); waited < 300*time.Millisecond {
		t.Errorf("came back after %v", waited)
	}
}

func TestADroppedStreamComesBack(t *testing.T) {
	url, ids := serve(t, held("retry: 60000\ndata: a\nid: 1\n\n"), stream(stop))
	var follower *Follower
	r := &record{on: func(line string) {
		if line == "message a" {
			go follower.Drop(time.Millisecond)
		}
	}}
	follower = New(Options{URLs: []string{url}, Observer: r})
	if why := follower.Run(context.Background()); why != "stop" {
		t.Errorf("ended by %s", why)
	}
	if r.said[2] != "cut dropped" || !slices.Equal(*ids, []string{"", "1"}) {
		t.Errorf("%q, asked with %q", r.said, *ids)
	}
}

func TestAnIdleStreamIsCutAndComesBack(t *testing.T) {
	url, _ := serve(t, held("retry: 1\ndata: a\n\n"), stream(stop))
	r := &record{}
	run(t, r, Options{URLs: []string{url}, IdleTimeout: 50 * time.Millisecond})
	if r.said[2] != "cut idle" {
		t.Errorf("%q", r.said)
	}
}

func TestWhatMayComeBackAndWhatNot(t *testing.T) {
	quick := stream("retry: 1\n\n")
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		why     string
		said    []string
	}{
		"204 ends it":             {[]http.HandlerFunc{status(204)}, "no-content", nil},
		"403 ends it":             {[]http.HandlerFunc{status(403)}, "refused", []string{"failed 403 false"}},
		"a page is no stream":     {[]http.HandlerFunc{status(200, "Content-Type", "text/html")}, "refused", []string{"failed 200 false"}},
		"502 is tried again":      {[]http.HandlerFunc{quick, status(502), stream(stop)}, "stop", []string{"opened false", "cut end", "failed 502 false", "opened false"}},
		"503 is tried again":      {[]http.HandlerFunc{quick, status(503), stream(stop)}, "stop", []string{"opened false", "cut end", "failed 503 false", "opened false"}},
		"429 says after how long": {[]http.HandlerFunc{quick, status(429, "Retry-After", "1"), stream(stop)}, "stop", []string{"opened false", "cut end", "failed 429 false", "opened false"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := serve(t, c.answers...)
			r := &record{}
			if why := run(t, r, Options{URLs: []string{url}}); why != c.why {
				t.Errorf("ended by %s", why)
			}
			if len(r.said) < len(c.said) || !slices.Equal(r.said[:len(c.said)], c.said) {
				t.Errorf("%q", r.said)
			}
		})
	}
}

func TestReturnsAskTheNextAddress(t *testing.T) {
	first, _ := serve(t, stream("retry: 1\ndata: first\nid: 4\n\n"))
	second, ids := serve(t, stream(stop))
	r := &record{}
	run(t, r, Options{URLs: []string{first, second}})
	if !slices.Equal(*ids, []string{"4"}) {
		t.Errorf("%q asked the second with %q", r.said, *ids)
	}
}

func TestWaitsGrowWhileNothingAnswers(t *testing.T) {
	f := New(Options{})
	f.retry = 100 * time.Millisecond
	for i, base := range []time.Duration{100, 200, 400, 800, 1600, 3200, 3200} {
		wait := f.failedWait(0)
		if wait < base*time.Millisecond*3/4 || wait > base*time.Millisecond*5/4 {
			t.Errorf("%d: %v", i, wait)
		}
	}
	f.retry = time.Hour
	if wait := f.failedWait(0); wait > RetryMax*5/4 {
		t.Errorf("%v", wait)
	}
	if wait := f.failedWait(2 * time.Hour); wait != 2*time.Hour {
		t.Errorf("Retry-After is the least: %v", wait)
	}
}

func TestASlowReaderTakesNoMoreThanItsPace(t *testing.T) {
	url, _ := serve(t, stream(strings.Repeat(":\n", 250)+stop))
	r := &record{}
	f := New(Options{URLs: []string{url}, Observer: r})
	f.SetPace(1_000)
	began := time.Now()
	f.Run(context.Background())
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("600 bytes at 1000 a second took %v", took)
	}
}

func TestEndsWhenItIsTold(t *testing.T) {
	url, _ := serve(t, held("data: a\n\n"))
	ctx, cancel := context.WithCancel(context.Background())
	r := &record{on: func(line string) {
		if line == "message a" {
			cancel()
		}
	}}
	if why := New(Options{URLs: []string{url}, Observer: r}).Run(ctx); why != "closed" {
		t.Errorf("ended by %s", why)
	}
	r.expect(t, "opened false", "message a", "cut closed")
}
