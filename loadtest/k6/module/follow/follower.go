// Package follow keeps a stream of Server-Sent Events open: it comes back with the last id, when and where it is told to.
package follow

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"selvage/k6/eventstream"
)

const (
	// RetryDefault is the wait before a return where no `retry:` was told.
	RetryDefault = 3 * time.Second
	// RetryMax bounds the wait, which doubles with each attempt that fails.
	RetryMax = 30 * time.Second
	// OpenTimeout bounds the wait for the head of the answer.
	OpenTimeout = 30 * time.Second
	readBytes   = 32 << 10
	slowTicks   = 10 // reads a second of a slow reader
)

// Options of a follower. Only URLs is needed.
type Options struct {
	// URLs of the stream: the first is asked first, each return asks the next.
	URLs   []string
	Header http.Header
	Client *http.Client
	LastID string
	// Once: it does not come back.
	Once bool
	// IdleTimeout cuts a connection on which nothing came for so long; 0: never.
	IdleTimeout time.Duration
	Observer    Observer
}

// Observer is told what becomes of the stream. All calls come from the goroutine of Run, in order.
type Observer interface {
	// Opened: the answer is a stream. isResume: it was asked for with an id.
	Opened(isResume bool)
	// Event was dispatched at a time.
	Event(event eventstream.Event, at time.Time)
	// Failed: no stream was opened. status is 0 where nothing answered.
	Failed(status int, err error)
	// Cut: an open stream is over. why: end, idle, dropped, closed, error.
	Cut(why string)
}

// Follower follows one stream. Make it by New, run it once.
type Follower struct {
	options Options
	attempt int // of all, chooses the URL
	failed  int // in a row
	retry   time.Duration
	hasStop bool
	backOff bool
	lastID  string
	dropped chan time.Duration
	pace    pace
}

// New makes a follower of options.
func New(options Options) *Follower {
	if options.Client == nil {
		options.Client = http.DefaultClient
	}
	return &Follower{options: options, retry: RetryDefault, lastID: options.LastID, dropped: make(chan time.Duration, 1)}
}

// Drop cuts the open connection, where there is one; the stream comes back after `after`, or after what it was told where that is negative. From any goroutine.
func (f *Follower) Drop(after time.Duration) {
	select {
	case f.dropped <- after:
	default: // one is under way
	}
}

// SetPace bounds what is read from now on, in bytes a second; 0: no bound. From any goroutine.
func (f *Follower) SetPace(bytesPerSecond int) { f.pace.set(bytesPerSecond) }

// Run follows until ctx is done, the server says stop, or Once is over. It returns why: closed, stop, no-content, refused, once.
func (f *Follower) Run(ctx context.Context) string {
	for {
		wait, why := f.connect(ctx)
		switch {
		case ctx.Err() != nil:
			return "closed"
		case why != "":
			return why
		case f.options.Once:
			return "once"
		}
		if !f.sleep(ctx, wait) {
			return "closed"
		}
	}
}

// connect opens the stream once and reads it to its end; how long to wait then, or why it is over for good.
func (f *Follower) connect(ctx context.Context) (time.Duration, string) {
	select {
	case <-f.dropped: // there was nothing to drop
	default:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	overdue := time.AfterFunc(OpenTimeout, func() { cancel(errOverdue) })
	response, err := f.ask(ctx)
	overdue.Stop()
	if err != nil {
		if ctx.Err() == nil || context.Cause(ctx) == errOverdue {
			f.options.Observer.Failed(0, err)
		}
		return f.failedWait(0), ""
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNoContent {
		return 0, "no-content"
	}
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		f.options.Observer.Failed(response.StatusCode, nil)
		if !isTemporary(response.StatusCode) {
			return 0, "refused"
		}
		return f.failedWait(retryAfter(response.Header)), ""
	}
	f.backOff, f.hasStop = false, false
	f.options.Observer.Opened(response.Request.Header.Get("Last-Event-ID") != "")
	why := f.read(ctx, cancel, response.Body)
	f.options.Observer.Cut(why)
	if f.hasStop {
		return 0, "stop"
	}
	if why == whyDropped {
		return context.Cause(ctx).(dropped).after(f.retry), ""
	}
	if f.backOff {
		return f.failedWait(f.retry), ""
	}
	f.failed = 0
	return f.retry, ""
}

func (f *Follower) ask(ctx context.Context) (*http.Response, error) {
	url := f.options.URLs[f.attempt%len(f.options.URLs)]
	f.attempt++
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range f.options.Header {
		request.Header[name] = values
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Cache-Control", "no-store")
	if f.lastID != "" {
		request.Header.Set("Last-Event-ID", f.lastID)
	}
	return f.options.Client.Do(request)
}

const (
	whyEnd     = "end"
	whyIdle    = "idle"
	whyDropped = "dropped"
	whyClosed  = "closed"
	whyError   = "error"
)

var (
	errOverdue = errors.New("the head of the answer did not come in time")
	errIdle    = errors.New("nothing came for the idle time-out")
)

// dropped is the cause of a connection that was cut by Drop.
type dropped time.Duration

func (dropped) Error() string { return "dropped" }

func (d dropped) after(retry time.Duration) time.Duration {
	if d < 0 {
		return retry
	}
	return time.Duration(d)
}

// read passes the body on until it ends; why it did.
func (f *Follower) read(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader) string {
	watching, stopWatching := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Add(1)
	defer watch.Wait()
	defer stopWatching()
	go func() {
		defer watch.Done()
		select {
		case after := <-f.dropped:
			cancel(dropped(after))
		case <-watching.Done():
		}
	}()
	idle := time.AfterFunc(time.Hour, func() { cancel(errIdle) })
	defer idle.Stop()
	parser := eventstream.NewParser(f, f.lastID)
	buffer := make([]byte, readBytes)
	for {
		if f.options.IdleTimeout > 0 {
			idle.Reset(f.options.IdleTimeout)
		}
		count, err := body.Read(f.pace.portion(buffer))
		idle.Stop()
		if tooLong := parser.Feed(buffer[:count]); tooLong != nil {
			err = tooLong
		}
		f.lastID = parser.LastID()
		if err == nil && count > 0 {
			err = f.pace.wait(ctx)
		}
		if err != nil {
			return whyOver(ctx, err)
		}
	}
}

func whyOver(ctx context.Context, err error) string {
	_, isDropped := context.Cause(ctx).(dropped)
	switch {
	case isDropped:
		return whyDropped
	case context.Cause(ctx) == errIdle:
		return whyIdle
	case ctx.Err() != nil:
		return whyClosed
	case errors.Is(err, io.EOF):
		return whyEnd
	default:
		return whyError
	}
}

// Event is the parser's.
func (f *Follower) Event(event eventstream.Event) {
	if event.Type == "selvage.close" {
		var told struct {
			Reconnect string `json:"reconnect"`
		}
		_ = json.Unmarshal([]byte(event.Data), &told)
		f.hasStop = told.Reconnect == "stop"
		f.backOff = told.Reconnect == "back-off"
	} else {
		f.failed = 0
	}
	f.options.Observer.Event(event, time.Now())
}

// Retry is the parser's.
func (f *Follower) Retry(retry time.Duration) { f.retry = retry }

// Comment is the parser's.
func (f *Follower) Comment() {}

// failedWait doubles with each attempt that failed, spread over 75 to 125 %, and is never under `least`.
func (f *Follower) failedWait(least time.Duration) time.Duration {
	wait := min(f.retry<<min(f.failed, 5), RetryMax)
	f.failed++
	wait = time.Duration(float64(wait) * (0.75 + rand.Float64()/2)) //nolint:gosec // no secret
	return max(wait, least)
}

func (f *Follower) sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// What the protocol says to come back after: time-outs, 429, and what stands in front of nodes that are away.
func isTemporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.ParseUint(header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
