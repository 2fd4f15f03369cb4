package sequence

import "testing"

func payload(source string, n int64, beganMs float64) Payload {
	return Payload{Source: source, Number: &n, BeganMs: beganMs}
}

const openedMs = 1_000_000

// Takes the numbers in turn; the sum of what was said.
func take(c *Checker, source string, numbers ...int64) (sum struct{ lost, told, duplicates, late int64 }) {
	for _, n := range numbers {
		v := c.Take(payload(source, n, 0), openedMs)
		sum.lost += v.Lost
		sum.told += v.Told
		if v.Duplicate {
			sum.duplicates++
		}
		if v.Late {
			sum.late++
		}
	}
	return sum
}

func TestOnceAndInOrder(t *testing.T) {
	for name, c := range map[string]struct {
		numbers                      []int64
		lost, told, duplicates, late int64
	}{
		"from the beginning":             {numbers: []int64{0, 1, 2, 3}},
		"from the middle":                {numbers: []int64{17, 18, 19}},
		"one is missing":                 {numbers: []int64{0, 1, 3}, lost: 1},
		"three are missing":              {numbers: []int64{5, 9}, lost: 3},
		"one comes twice":                {numbers: []int64{0, 1, 1, 2}, duplicates: 1},
		"a replay comes twice":           {numbers: []int64{3, 4, 5, 3, 4, 5, 6}, duplicates: 3},
		"one from before the first":      {numbers: []int64{5, 4}, duplicates: 1},
		"two are swapped":                {numbers: []int64{0, 2, 1, 3}, lost: 1, late: 1},
		"a late one that comes twice":    {numbers: []int64{0, 2, 1, 1}, lost: 1, late: 1, duplicates: 1},
		"one is missing, another double": {numbers: []int64{0, 2, 2}, lost: 1, duplicates: 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := take(NewChecker(), "a", c.numbers...)
			if got.lost != c.lost || got.told != c.told || got.duplicates != c.duplicates || got.late != c.late {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestSourcesDoNotMix(t *testing.T) {
	c := NewChecker()
	take(c, "a", 0, 1)
	take(c, "b", 7, 8)
	if got := take(c, "a", 2); got.lost+got.duplicates != 0 {
		t.Errorf("%+v", got)
	}
	if got := take(c, "b", 10); got.lost != 1 {
		t.Errorf("%+v", got)
	}
}

func TestWhatAGapTellsIsNotLost(t *testing.T) {
	c := NewChecker()
	take(c, "a", 0, 1)
	c.GapTold()
	if got := take(c, "a", 5); got.lost != 0 || got.told != 3 {
		t.Errorf("%+v", got)
	}
	if got := take(c, "a", 7); got.lost != 1 {
		t.Errorf("a gap covers the next event alone: %+v", got)
	}
	c.GapTold()
	if got := take(c, "a", 6, 7, 8); got.duplicates != 1 || got.late != 1 || got.lost != 0 {
		t.Errorf("a gap excuses no repetition: %+v", got)
	}
}

func TestASourceThatBeganWhileTheStreamWasOpenIsDueFromItsFirst(t *testing.T) {
	if v := NewChecker().Take(payload("a", 2, openedMs+2_000), openedMs); v.Lost != 2 {
		t.Errorf("%+v", v)
	}
	if v := NewChecker().Take(payload("a", 2, openedMs+500), openedMs); v.Lost != 0 {
		t.Errorf("within the margin of clocks nothing is said: %+v", v)
	}
	c := NewChecker()
	c.GapTold()
	if v := c.Take(payload("a", 2, openedMs+2_000), openedMs); v.Lost != 0 || v.Told != 2 {
		t.Errorf("%+v", v)
	}
}

func TestSourcesHaveABound(t *testing.T) {
	c := NewChecker()
	for i := range SourcesMax {
		c.Take(payload(string(rune(i+0x10000)), 0, 0), openedMs)
	}
	if v := c.Take(payload("one more", 0, 0), openedMs); !v.Unchecked {
		t.Errorf("%+v", v)
	}
}

func TestPayloads(t *testing.T) {
	for data, want := range map[string]struct {
		n    int64
		isOk bool
	}{
		`{"s":"a","n":4,"t":1.5}`: {4, true},
		`{"channel":"c","type":"x","time":"…","data":{"s":"a","n":5,"t":2}}`: {5, true},
		`{"s":"a","n":0}`: {0, true},
		`{"s":"a"}`:       {0, false},
		`{"n":1}`:         {0, false},
		`{}`:              {0, false},
		`4`:               {0, false},
		``:                {0, false},
		`{"s":"a","n":`:   {0, false},
		`{"s":7,"n":"a"}`: {0, false},
	} {
		p, isOk := Parse(data)
		if isOk != want.isOk || isOk && *p.Number != want.n {
			t.Errorf("%s: %v %v", data, p, isOk)
		}
	}
}
