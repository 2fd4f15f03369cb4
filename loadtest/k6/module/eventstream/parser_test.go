package eventstream

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

type heard struct{ said []string }

func (h *heard) Event(e Event) {
	h.said = append(h.said, fmt.Sprintf("%s|%s|%s", e.Type, e.Data, e.LastID))
}
func (h *heard) Retry(d time.Duration) { h.said = append(h.said, "retry "+d.String()) }
func (h *heard) Comment()              { h.said = append(h.said, ":") }

func hear(t *testing.T, lastID string, chunks ...string) []string {
	t.Helper()
	h := &heard{}
	p := NewParser(h, lastID)
	for _, chunk := range chunks {
		if err := p.Feed([]byte(chunk)); err != nil {
			t.Fatal(err)
		}
	}
	return h.said
}

func TestFields(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"type, data and id":              {"event: a\ndata: 1\nid: 7\n\n", []string{"a|1|7"}},
		"one space behind the colon":     {"data:  two\n\ndata:none\n\n", []string{"message| two|", "message|none|"}},
		"data of several lines":          {"data: a\ndata\ndata: b\n\n", []string{"message|a\n\nb|"}},
		"empty data is an event":         {"data: \n\n", []string{"message||"}},
		"no data is none":                {"event: a\n\n", nil},
		"an id without data is kept":     {"id: 3\n\ndata: x\n\n", []string{"message|x|3"}},
		"an id stays":                    {"id: 3\ndata: x\n\ndata: y\n\n", []string{"message|x|3", "message|y|3"}},
		"an empty id takes it away":      {"id: 3\ndata: x\n\nid\ndata: y\n\n", []string{"message|x|3", "message|y|"}},
		"an id with NUL is none":         {"id: 3\x00\ndata: x\n\n", []string{"message|x|"}},
		"a type is of one event":         {"event: a\ndata: 1\n\ndata: 2\n\n", []string{"a|1|", "message|2|"}},
		"comments":                       {":\n: x\n:::\n", []string{":", ":", ":"}},
		"retry of digits alone":          {"retry: 2000\nretry: 1s\nretry: +5\nretry: -1\nretry:\n", []string{"retry 2s"}},
		"unknown fields mean nothing":    {"color: red\nDATA: 1\n\n", nil},
		"an event that is cut is none":   {"data: 1\n\ndata: 2\nid: 9\n", []string{"message|1|"}},
		"CR":                             {"data: a\rdata: b\r\r", []string{"message|a\nb|"}},
		"CR LF":                          {"data: a\r\ndata: b\r\n\r\n", []string{"message|a\nb|"}},
		"all three":                      {"data: a\rdata: b\ndata: c\r\n\n", []string{"message|a\nb\nc|"}},
		"CR CR LF is two line ends":      {"data: a\r\r\ndata: b\n\n", []string{"message|a|", "message|b|"}},
		"U+2028 and form feed are data":  {"data: a\u2028b\fc\n\n", []string{"message|a\u2028b\fc|"}},
		"a byte order mark at the start": {"\ufeffdata: a\n\n", []string{"message|a|"}},
		"only one of them":               {"\ufeff\ufeffdata: a\n\n", nil},
		"and only at the start":          {"data: a\n\n\ufeffdata: b\n\n", []string{"message|a|"}},
		"half a byte order mark is text": {"\xef\xbbdata: a\ndata: b\n\n", []string{"message|b|"}},
	} {
		t.Run(name, func(t *testing.T) {
			if said := hear(t, "", c.stream); !reflect.DeepEqual(said, c.want) {
				t.Errorf("%q, not %q", said, c.want)
			}
		})
	}
}

// Wherever a stream is cut into chunks, it says the same.
func TestChunksCutAnywhere(t *testing.T) {
	stream := "\ufeffretry: 10\r\n:\revent: a\r\ndata: ä1\rdata: 2\nid: 5\r\n\r\ndata: 3\r\r:\n\nid: 6\n\ndata: 4\n\n"
	want := hear(t, "", stream)
	if len(want) != 6 {
		t.Fatalf("%q", want)
	}
	for i := 0; i <= len(stream); i++ {
		for j := i; j <= len(stream); j++ {
			if said := hear(t, "", stream[:i], stream[i:j], stream[j:]); !reflect.DeepEqual(said, want) {
				t.Fatalf("cut at %d and %d: %q, not %q", i, j, said, want)
			}
		}
	}
	single := make([]string, len(stream))
	for i := range single {
		single[i] = stream[i : i+1]
	}
	if said := hear(t, "", single...); !reflect.DeepEqual(said, want) {
		t.Errorf("byte by byte: %q", said)
	}
}

func TestTheIdToComeBackWith(t *testing.T) {
	p := NewParser(&heard{}, "before")
	for _, step := range []struct{ chunk, want string }{
		{": hello\n", "before"},
		{"data: 1\n\n", "before"},
		{"data: 2\nid: 8\n", "before"}, // its blank line has not come
		{"\n", "8"},
		{"id: 9\n", "8"},
	} {
		_ = p.Feed([]byte(step.chunk))
		if p.LastID() != step.want {
			t.Errorf("after %q: %q, not %q", step.chunk, p.LastID(), step.want)
		}
	}
}

func TestALineHasABound(t *testing.T) {
	p := NewParser(&heard{}, "")
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for i := 0; i < LineBytesMax/len(chunk); i++ {
		if err := p.Feed(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Feed([]byte("x")); err != ErrLineTooLong {
		t.Errorf("%v", err)
	}
}

func FuzzChunks(f *testing.F) {
	f.Add("data: a\r\n\r\nid: 1\n\n", 3)
	f.Fuzz(func(t *testing.T, stream string, at int) {
		if at < 0 || at > len(stream) {
			return
		}
		if a, b := hear(t, "", stream), hear(t, "", stream[:at], stream[at:]); !reflect.DeepEqual(a, b) {
			t.Errorf("%q, not %q (%s)", b, a, strings.ToValidUTF8(stream, "?"))
		}
	})
}
