package follow

import (
	"context"
	"sync/atomic"
	"time"
)

// pace makes a slow reader: it takes no more than so many bytes a second from the socket, whose buffers then fill up.
type pace struct{ bytesPerSecond atomic.Int64 }

func (p *pace) set(bytesPerSecond int) { p.bytesPerSecond.Store(int64(max(bytesPerSecond, 0))) }

// portion is the part of buffer that may be read now.
func (p *pace) portion(buffer []byte) []byte {
	perSecond := p.bytesPerSecond.Load()
	if perSecond == 0 {
		return buffer
	}
	return buffer[:min(int64(len(buffer)), max(perSecond/slowTicks, 1))]
}

func (p *pace) wait(ctx context.Context) error {
	if p.bytesPerSecond.Load() == 0 {
		return nil
	}
	timer := time.NewTimer(time.Second / slowTicks)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
