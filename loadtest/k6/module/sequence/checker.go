// Package sequence checks that the events of each source arrive once and in order, and says which do not.
//
// A payload is a JSON object with `s` (its source: one producer and channel), `n` (its number in the source: 0, 1, 2, …), `t` (milliseconds since 1970
// at which it was made) and `b` (the same at which the source began). In an envelope it is the field `data`.
package sequence

import "encoding/json"

const (
	// SourcesMax is how many sources a checker follows; further ones are not checked, and are counted as Unchecked.
	SourcesMax = 10_000
	// missingMax is how many missing numbers of a source are remembered, to tell one that comes late from one that comes twice.
	missingMax = 4_096
	// beginMarginMs: a source that began so long after the stream was open is due from its number 0. Clocks of two machines may differ by less.
	beginMarginMs = 1_000
)

// Payload is what a publisher of the load test writes.
type Payload struct {
	Source  string  `json:"s"`
	Number  *int64  `json:"n"`
	MadeMs  float64 `json:"t"`
	BeganMs float64 `json:"b"`
}

type envelope struct {
	Payload
	Data *Payload `json:"data"`
}

// Parse reads a payload, plain or in an envelope; false for anything else.
func Parse(data string) (Payload, bool) {
	var one envelope
	if len(data) == 0 || data[0] != '{' || json.Unmarshal([]byte(data), &one) != nil {
		return Payload{}, false
	}
	payload := one.Payload
	if payload.Number == nil && one.Data != nil {
		payload = *one.Data
	}
	return payload, payload.Number != nil && payload.Source != ""
}

// Verdict is what one event says about those before it.
type Verdict struct {
	Lost      int64 // numbers that were passed over, and no gap told of it
	Told      int64 // numbers that were passed over behind a gap
	Duplicate bool
	Late      bool // one of those that had been passed over: out of order
	Unchecked bool
}

type source struct {
	last    int64
	missing map[int64]struct{}
	gapTold bool
}

// Checker has the sequences of one reader, over all its connections. Not for two goroutines at once.
type Checker struct {
	sources map[string]*source
	hadGap  bool
}

// NewChecker makes one that has seen nothing.
func NewChecker() *Checker { return &Checker{sources: map[string]*source{}} }

// GapTold notes that the server told of a gap: the next event of each source may leave numbers out.
func (c *Checker) GapTold() {
	c.hadGap = true
	for _, one := range c.sources {
		one.gapTold = true
	}
}

// Take judges the next event of a reader that has been reading since openedMs (milliseconds since 1970).
func (c *Checker) Take(p Payload, openedMs float64) Verdict {
	n := *p.Number
	one := c.sources[p.Source]
	if one == nil {
		if len(c.sources) >= SourcesMax {
			return Verdict{Unchecked: true}
		}
		one = &source{last: n - 1, missing: map[int64]struct{}{}, gapTold: c.hadGap}
		if p.BeganMs > openedMs+beginMarginMs {
			one.last = -1
		}
		c.sources[p.Source] = one
	}
	if n <= one.last {
		_, isLate := one.missing[n]
		delete(one.missing, n)
		return Verdict{Late: isLate, Duplicate: !isLate}
	}
	skipped := n - one.last - 1
	for i := one.last + 1; i < n && len(one.missing) < missingMax; i++ {
		one.missing[i] = struct{}{}
	}
	verdict := Verdict{Lost: skipped}
	if one.gapTold {
		verdict = Verdict{Told: skipped}
	}
	one.last, one.gapTold = n, false
	return verdict
}
