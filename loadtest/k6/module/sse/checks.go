package sse

import (
	"strconv"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"selvage/k6/sequence"
)

// checks turn the verdicts on one reader's events into metrics.
type checks struct {
	checker  *sequence.Checker
	metrics  *instruments
	recorder *recorder
}

func newChecks(metrics *instruments, recorder *recorder) *checks {
	return &checks{checker: sequence.NewChecker(), metrics: metrics, recorder: recorder}
}

// take judges one event's data, whatever it is; data without a sequence is left alone.
func (c *checks) take(data string, nowMs, openedMs, liveFromMs float64) {
	payload, isOurs := sequence.Parse(data)
	if !isOurs {
		return
	}
	m, r := c.metrics, c.recorder
	if payload.MadeMs > 0 {
		kind := "live"
		if payload.MadeMs < liveFromMs {
			kind = "replay"
		}
		r.add(m.latency, nowMs-payload.MadeMs, "kind", kind)
	}
	verdict := c.checker.Take(payload, openedMs)
	if verdict.Lost > 0 {
		r.add(m.lost, float64(verdict.Lost))
	}
	if verdict.Told > 0 {
		r.add(m.told, float64(verdict.Told))
	}
	if verdict.Duplicate {
		r.add(m.duplicates, 1)
	}
	if verdict.Late {
		r.add(m.late, 1)
	}
	if verdict.Unchecked {
		r.add(m.unchecked, 1)
	}
}

// check is the script's `check(tags)`: the same checks for events that come another way, as polls. `take(data)` for each event's data as text,
// `gap()` where one was told, `flush()` at the end.
func (i *instance) check(tags sobek.Value) sobek.Value {
	rt := i.vu.Runtime()
	given := map[string]string{}
	if tags != nil && !sobek.IsUndefined(tags) {
		if err := rt.ExportTo(tags, &given); err != nil {
			return i.throw(err)
		}
	}
	c := newChecks(i.metrics, newRecorder(i.vu, given))
	c.metrics.begin(c.recorder)
	openedMs := float64(time.Now().UnixNano()) / 1e6
	object := rt.NewObject()
	_ = object.Set("take", func(data string) {
		nowMs := float64(time.Now().UnixNano()) / 1e6
		c.recorder.add(c.metrics.events, 1)
		c.take(data, nowMs, openedMs, nowMs+1) // a poll is answered when it is asked: what it brings is no measure of delivery
	})
	_ = object.Set("gap", func() {
		c.recorder.add(c.metrics.gaps, 1, "reason", "poll")
		c.checker.GapTold()
	})
	_ = object.Set("flush", c.recorder.flush)
	return object
}

func isOwn(kind string) bool { return strings.HasPrefix(kind, "selvage.") }

func statusText(status int) string { return strconv.Itoa(status) }

func boolValue(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
