package sse

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"

	"selvage/k6/eventstream"
)

// describe makes the object that a script has of a stream.
func (s *stream) describe(rt *sobek.Runtime) *sobek.Object {
	object := rt.NewObject()
	set := func(name string, value any) { _ = object.Set(name, value) }
	set("on", s.on)
	set("close", func() { s.cancel() })
	set("drop", func(afterMs sobek.Value) {
		after := time.Duration(-1)
		if !common.IsNullish(afterMs) {
			after = time.Duration(afterMs.ToFloat() * float64(time.Millisecond))
		}
		s.follower.Drop(after)
	})
	set("setReadRate", func(bytesPerSecond int) { s.follower.SetPace(bytesPerSecond) })
	set("lastEventId", func() string { return s.lastID.Load().(string) })
	set("events", func() int64 { return s.events.Load() })
	return object
}

// on adds a listener: to `open`, `cut`, `failed`, `end`, to `event` (all of the publishers), or to one type, as `selvage.gap` or `finish`.
// What nobody listens to never reaches the script's thread.
func (s *stream) on(name string, listener sobek.Value) sobek.Value {
	call, isFunction := sobek.AssertFunction(listener)
	if !isFunction {
		return s.instance.throw(errors.New("selvage-sse: on: a function is needed"))
	}
	changed := maps.Clone(*s.listeners.Load())
	changed[name] = append(slices.Clone(changed[name]), call)
	s.listeners.Store(&changed)
	return s.object
}

// tell calls the listeners of a name on the event loop. what is made there.
func (s *stream) tell(name string, what func(*sobek.Runtime) any) {
	if len((*s.listeners.Load())[name]) == 0 {
		return
	}
	s.loop.run(func() error {
		rt := s.instance.vu.Runtime()
		value := rt.ToValue(what(rt))
		for _, call := range (*s.listeners.Load())[name] {
			if _, err := call(s.object, value); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *stream) tellEvent(event eventstream.Event) {
	what := func(*sobek.Runtime) any {
		return map[string]any{"type": event.Type, "data": event.Data, "id": event.LastID}
	}
	s.tell(event.Type, what)
	if !isOwn(event.Type) {
		s.tell("event", what)
	}
}
