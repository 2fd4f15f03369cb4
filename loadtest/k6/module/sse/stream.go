package sse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/grafana/sobek"

	"selvage/k6/eventstream"
	"selvage/k6/follow"
)

// awayMax is how long a stream may still be on its way back when its script closes it; one that is longer away has failed to come back.
const awayMax = 10 * time.Second

// stream is one open stream of a script: the observer of its follower, and the object that the script has.
type stream struct {
	instance *instance
	loop     *loop
	follower *follow.Follower
	checks   *checks // nil: not asked for
	recorder *recorder
	cancel   context.CancelFunc
	object   *sobek.Object

	listeners atomic.Pointer[map[string][]sobek.Callable] // changed on the event loop, by copy
	events    atomic.Int64
	lastID    atomic.Value

	// For the goroutine of the follower alone.
	beganAt    time.Time // when the open connection was asked for, or the last one was lost
	openedMs   float64   // first frame of the first connection
	liveFromMs float64   // first frame of this connection: what was made earlier is replay
	isAway     bool      // it was cut, and has not had a frame since
	isResume   bool
	hasFrame   bool
}

// open is the script's `open(url, options)`; it returns at once.
func (i *instance) open(urls, given sobek.Value) sobek.Value {
	rt := i.vu.Runtime()
	if i.vu.State() == nil {
		return i.throw(errors.New("selvage-sse: streams are opened by virtual users, not while the script is loaded"))
	}
	options, err := readOptions(rt, urls, given)
	if err != nil {
		return i.throw(err)
	}
	client, err := i.clientOf(options.transport)
	if err != nil {
		return i.throw(err)
	}
	ctx, cancel := context.WithCancel(i.vu.Context())
	s := &stream{instance: i, loop: newLoop(i.vu.RegisterCallback), recorder: newRecorder(i.vu, options.tags), cancel: cancel, beganAt: time.Now()}
	if !options.isUnchecked {
		s.checks = newChecks(i.metrics, s.recorder)
	}
	s.listeners.Store(&map[string][]sobek.Callable{})
	s.lastID.Store(options.lastID)
	s.follower = follow.New(follow.Options{
		URLs: options.urls, Header: options.header, Client: client, LastID: options.lastID, Once: options.once, IdleTimeout: options.idle, Observer: s,
	})
	s.follower.SetPace(options.bytesPerSecond)
	s.object = s.describe(rt)
	go s.run(ctx)
	return s.object
}

func (i *instance) clientOf(key transportKey) (client *http.Client, err error) {
	if i.clients[key] == nil {
		if i.clients[key], err = newClient(i.vu.State(), key); err != nil {
			return nil, err
		}
	}
	return i.clients[key], nil
}

func (s *stream) run(ctx context.Context) {
	s.instance.metrics.begin(s.recorder)
	why := s.follower.Run(ctx)
	if s.isAway && time.Since(s.beganAt) > awayMax {
		s.recorder.add(s.instance.metrics.resumeSuccess, 0)
	}
	s.recorder.flush()
	s.tell("end", func(rt *sobek.Runtime) any { return map[string]any{"why": why} })
	s.loop.close()
	s.cancel()
}

// Opened is the follower's.
func (s *stream) Opened(isResume bool) {
	s.isResume, s.hasFrame = isResume, false
	s.recorder.add(s.instance.metrics.connects, 1)
	s.countOpen(1)
}

// Failed is the follower's.
func (s *stream) Failed(status int, err error) {
	m := s.instance.metrics
	s.recorder.add(m.failures, 1, "status", statusText(status))
	if s.lastID.Load() != "" && status >= 400 && status < 500 && status != 429 && status != 408 {
		s.recorder.add(m.resumeSuccess, 0)
	}
	s.recorder.flush()
	said := ""
	if err != nil {
		said = err.Error()
	}
	s.tell("failed", func(*sobek.Runtime) any { return map[string]any{"status": status, "error": said} })
}

// Cut is the follower's.
func (s *stream) Cut(why string) {
	m := s.instance.metrics
	s.recorder.add(m.cuts, 1, "why", why)
	if s.isResume && !s.hasFrame {
		s.recorder.add(m.resumeSuccess, 0)
	}
	s.isAway = why != "closed"
	s.beganAt = time.Now()
	s.countOpen(-1)
	s.recorder.flush()
	s.tell("cut", func(*sobek.Runtime) any { return map[string]any{"why": why} })
}

// Event is the follower's.
func (s *stream) Event(event eventstream.Event, at time.Time) {
	m := s.instance.metrics
	nowMs := float64(at.UnixNano()) / 1e6
	s.lastID.Store(event.LastID)
	if event.Type == "selvage.close" {
		s.recorder.add(m.closes, 1, "code", codeOf(event.Data, "code"))
	} else if !s.hasFrame {
		s.takeFirstFrame(event.Type == "selvage.gap", nowMs)
	}
	if event.Type == "selvage.gap" {
		s.recorder.add(m.gaps, 1, "reason", codeOf(event.Data, "reason"))
		if s.checks != nil {
			s.checks.checker.GapTold()
		}
	}
	if !isOwn(event.Type) {
		s.events.Add(1)
		s.recorder.add(m.events, 1)
		if s.checks != nil {
			s.checks.take(event.Data, nowMs, s.openedMs, s.liveFromMs)
		}
	}
	s.tellEvent(event)
}

// The first frame is a position or a gap (PROTOCOL.md §3): with it the stream is open, and a resume answered.
func (s *stream) takeFirstFrame(isGap bool, nowMs float64) {
	m := s.instance.metrics
	s.hasFrame, s.isAway = true, false
	s.liveFromMs = nowMs
	took := float64(time.Since(s.beganAt)) / 1e6
	if s.openedMs == 0 {
		s.openedMs = nowMs
	}
	if !s.isResume {
		s.recorder.add(m.openDuration, took)
	} else {
		s.recorder.add(m.resumes, 1)
		s.recorder.add(m.resumeDuration, took)
		s.recorder.add(m.resumeSuccess, boolValue(!isGap))
	}
	s.recorder.flush()
	s.tell("open", func(*sobek.Runtime) any { return map[string]any{"resume": s.isResume, "gap": isGap} })
}

func (s *stream) countOpen(change int64) {
	s.recorder.add(s.instance.metrics.streams, float64(s.instance.root.open.Add(change)))
}

func codeOf(data, field string) string {
	var told map[string]any
	if json.Unmarshal([]byte(data), &told) == nil {
		if code, isText := told[field].(string); isText {
			return code
		}
	}
	return "unknown"
}
