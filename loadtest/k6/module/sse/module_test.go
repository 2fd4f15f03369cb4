package sse

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.k6.io/k6/v2/js/modulestest"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"
)

type user struct {
	runtime *modulestest.Runtime
	samples chan metrics.SampleContainer
}

func newUser(t *testing.T) *user {
	t.Helper()
	runtime := modulestest.NewRuntime(t)
	instance := new(root).NewModuleInstance(runtime.VU)
	if err := runtime.VU.Runtime().Set("sse", instance.Exports().Default); err != nil {
		t.Fatal(err)
	}
	samples := make(chan metrics.SampleContainer, 100_000)
	registry := runtime.VU.InitEnvField.Registry
	runtime.MoveToVUContext(&lib.State{
		Dialer: &net.Dialer{}, Samples: samples, Tags: lib.NewVUStateTags(registry.RootTagSet()), BuiltinMetrics: runtime.BuiltinMetrics,
	})
	return &user{runtime, samples}
}

// run runs a script to the end of its iteration; what it left in `said`.
func (u *user) run(t *testing.T, script string) string {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := u.runtime.RunOnEventLoop("var said = [];" + script)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		u.runtime.CancelContext()
		t.Fatal("the iteration does not end")
	}
	value, err := u.runtime.VU.Runtime().RunString("said.join(' ')")
	if err != nil {
		t.Fatal(err)
	}
	return value.String()
}

// sums adds up what was measured so far, by metric, and by metric{tag:value}.
func (u *user) sums() map[string]float64 {
	sums := map[string]float64{}
	for {
		select {
		case container := <-u.samples:
			for _, sample := range container.GetSamples() {
				sums[sample.Metric.Name] += sample.Value
				for tag, value := range sample.Tags.Map() {
					sums[fmt.Sprintf("%s{%s:%s}", sample.Metric.Name, tag, value)] += sample.Value
				}
			}
		default:
			return sums
		}
	}
}

const stopFrame = "event: selvage.close\ndata: {\"code\":\"ended\",\"reconnect\":\"stop\",\"retryMs\":0}\n\n"
const positionFrame = "retry: 1\n:\nevent: selvage.position\ndata: {}\nid: 1\n\n"

func event(id int, n int) string {
	return fmt.Sprintf("data: {\"s\":\"a\",\"n\":%d,\"t\":%d}\nid: %d\n\n", n, time.Now().UnixMilli(), id)
}

func begin(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write([]byte(text))
	w.(http.Flusher).Flush()
}

func TestSeveralStreamsOfOneUserAtATime(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		both.Done()
		both.Wait() // a stream that blocked its user would wait here for ever
		begin(w, positionFrame+event(2, 0)+stopFrame)
	}))
	defer server.Close()
	said := newUser(t).run(t, fmt.Sprintf(`
		for (const name of ['a', 'b']) {
			sse.open('%s').on('event', (e) => said.push(e.type + e.id)).on('end', (e) => said.push(e.why));
		}
		said.push('opened');`, server.URL))
	if !strings.HasPrefix(said, "opened ") || strings.Count(said, "message2") != 2 || strings.Count(said, "stop") != 2 {
		t.Error(said)
	}
}

func TestWhatIsMeasured(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch requests.Add(1) {
		case 1:
			begin(w, positionFrame+event(2, 0)+event(3, 2)) // 1 is lost
		case 2:
			begin(w, positionFrame+event(4, 2)+event(5, 3)) // 2 comes twice
		default:
			if r.Header.Get("Last-Event-ID") != "5" {
				t.Errorf("came back with %q", r.Header.Get("Last-Event-ID"))
			}
			begin(w, "event: selvage.gap\ndata: {\"reason\":\"expired\"}\nid: 8\n\n"+event(9, 6)+stopFrame)
		}
	}))
	defer server.Close()
	u := newUser(t)
	said := u.run(t, fmt.Sprintf(`sse.open('%s', {tags: {reader: 'r'}}).on('open', (e) => said.push(e.resume, e.gap)).on('selvage.gap', (e) => said.push(e.data))`, server.URL))
	if said != `false false true false true true {"reason":"expired"}` {
		t.Error(said)
	}
	sums := u.sums()
	for name, want := range map[string]float64{
		"sse_events": 5, "sse_lost": 1, "sse_duplicates": 1, "sse_gaps{reason:expired}": 1, "sse_gap_missed": 2, "sse_resumes": 2, "sse_resume_success": 1,
		"sse_connects": 3, "sse_cuts{why:end}": 3, "sse_closes{code:ended}": 1, "sse_reordered": 0, "sse_lost{reader:r}": 1,
	} {
		if got, isThere := sums[name]; got != want || !isThere {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}

func TestDropsAndIds(t *testing.T) {
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.Header.Get("Last-Event-ID"))
		if len(ids) == 2 {
			begin(w, positionFrame+stopFrame)
			return
		}
		begin(w, positionFrame+event(7, 0))
		<-r.Context().Done()
	}))
	defer server.Close()
	u := newUser(t)
	u.run(t, fmt.Sprintf(`
		const stream = sse.open('%s', {lastEventId: '6', headers: {'X-A': 'b'}});
		stream.on('message', (e) => { said.push(stream.lastEventId(), stream.events()); stream.drop(5); });`, server.URL))
	if strings.Join(ids, " ") != "6 7" {
		t.Errorf("%q", ids)
	}
	if sums := u.sums(); sums["sse_cuts{why:dropped}"] != 1 {
		t.Errorf("%v", sums)
	}
}

func TestAScriptMayCloseAStream(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin(w, positionFrame)
		<-r.Context().Done()
	}))
	defer server.Close()
	said := newUser(t).run(t, fmt.Sprintf(`
		const stream = sse.open('%s');
		stream.on('open', () => stream.close()).on('end', (e) => said.push(e.why));`, server.URL))
	if said != "closed" {
		t.Error(said)
	}
}

func TestTheEndOfTheRunEndsStreams(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin(w, positionFrame)
		<-r.Context().Done()
	}))
	defer server.Close()
	u := newUser(t)
	time.AfterFunc(100*time.Millisecond, u.runtime.CancelContext)
	u.run(t, fmt.Sprintf(`sse.open('%s')`, server.URL))
}

func TestTLS(t *testing.T) {
	connections := map[string]bool{}
	var mutex sync.Mutex
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		connections[r.RemoteAddr] = true
		mutex.Unlock()
		begin(w, positionFrame+"data: "+r.Proto+"\n\n"+stopFrame)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, c := range map[string]struct{ options, want string }{
		"HTTP/1.1 by a CA of its own":  {fmt.Sprintf("{ca: `%s`}", ca), "HTTP/1.1"},
		"HTTP/2 by a CA of its own":    {fmt.Sprintf("{http: '2', ca: `%s`}", ca), "HTTP/2.0"},
		"HTTP/2 without asking for it": {"{http: '2', insecureSkipTLSVerify: true}", "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			if said := newUser(t).run(t, fmt.Sprintf(`sse.open('%s', %s).on('message', (e) => said.push(e.data))`, server.URL, c.options)); said != c.want {
				t.Error(said)
			}
		})
	}
	t.Run("streams of a user share an HTTP/2 connection", func(t *testing.T) {
		clear(connections)
		newUser(t).run(t, fmt.Sprintf("const open = () => sse.open('%s', {http: '2', insecureSkipTLSVerify: true}); open().on('end', () => { open(); open(); })", server.URL))
		if len(connections) != 1 {
			t.Errorf("%v", connections)
		}
	})
	t.Run("a certificate that nobody vouches for", func(t *testing.T) {
		u := newUser(t)
		said := u.run(t, fmt.Sprintf(`const s = sse.open('%s').on('failed', (e) => { said.push(e.status, /certificate/.test(e.error)); s.close(); })`, server.URL))
		if said != "0 true" || u.sums()["sse_connect_failures{status:0}"] != 1 {
			t.Error(said)
		}
	})
}

func TestOptionsAreRefusedByName(t *testing.T) {
	u := newUser(t)
	for script, want := range map[string]string{
		`sse.open()`:                                      "an address",
		`sse.open('ftp://x')`:                             `"ftp://x" is no http or https address`,
		`sse.open('http://x', {header: {}})`:              `no option "header"`,
		`sse.open('http://x', {http: '3'})`:               `http: "3" is none of`,
		`sse.open('http://x', {ca: 'nothing'})`:           "no certificate",
		`sse.open('http://x').on('event', 'no function')`: "a function is needed",
	} {
		u.runtime.CancelContext() // whatever was opened ends at once
		_, err := u.runtime.RunOnEventLoop(script)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestChecksOfPolls(t *testing.T) {
	u := newUser(t)
	u.run(t, `
		const check = sse.check({reader: 'poll'});
		for (const n of [0, 1, 1, 4]) check.take(JSON.stringify({s: 'a', n, t: sse.now()}));
		check.gap();
		check.take(JSON.stringify({s: 'a', n: 6, t: sse.now()}));
		check.flush();`)
	sums := u.sums()
	if sums["sse_events{reader:poll}"] != 5 || sums["sse_lost"] != 2 || sums["sse_duplicates"] != 1 || sums["sse_gap_missed"] != 1 {
		t.Errorf("%v", sums)
	}
}
