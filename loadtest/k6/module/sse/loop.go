package sse

import "sync"

// queuedMax is how many events may wait for the script; the stream is not read meanwhile.
const queuedMax = 10_000

// loop hands tasks of other goroutines to the event loop of a virtual user, in their order, and keeps the iteration from ending until it is closed.
type loop struct {
	mutex    sync.Mutex
	room     *sync.Cond
	register func() func(func() error)
	callback func(func() error) // nil while drain is due
	waiting  []func() error
	isClosed bool
}

// newLoop is called on the event loop.
func newLoop(register func() func(func() error)) *loop {
	l := &loop{register: register, callback: register()}
	l.room = sync.NewCond(&l.mutex)
	return l
}

// run has a task run on the event loop; it waits for room, and does nothing once the loop is closed.
func (l *loop) run(task func() error) {
	l.mutex.Lock()
	for len(l.waiting) >= queuedMax && !l.isClosed {
		l.room.Wait()
	}
	if l.isClosed {
		l.mutex.Unlock()
		return
	}
	l.waiting = append(l.waiting, task)
	callback := l.callback
	l.callback = nil
	l.mutex.Unlock()
	if callback != nil {
		callback(l.drain)
	}
}

// close lets the iteration end once what waits has run.
func (l *loop) close() {
	l.mutex.Lock()
	callback := l.callback
	l.callback, l.isClosed = nil, true
	l.room.Broadcast()
	l.mutex.Unlock()
	if callback != nil {
		callback(func() error { return nil })
	}
}

func (l *loop) drain() error {
	l.mutex.Lock()
	tasks := l.waiting
	l.waiting = nil
	if !l.isClosed {
		l.callback = l.register()
	}
	l.room.Broadcast()
	l.mutex.Unlock()
	for _, task := range tasks {
		if err := task(); err != nil {
			return err
		}
	}
	return nil
}
