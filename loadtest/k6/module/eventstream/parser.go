// Package eventstream reads the bytes of a Server-Sent Events stream, as the HTML standard has it (§9.2.6).
package eventstream

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"
)

// LineBytesMax is the longest line that is read; a longer one ends the stream.
const LineBytesMax = 8 << 20

// ErrLineTooLong is returned by Feed for a line of more than LineBytesMax bytes.
var ErrLineTooLong = errors.New("a line of the stream is too long")

// Event is one dispatched event. LastID is the last id of the stream when it was dispatched, its own or an earlier one.
type Event struct {
	Type   string
	Data   string
	LastID string
}

// Sink is told what the stream says, in its order.
type Sink interface {
	// Event is called at the blank line behind the event.
	Event(Event)
	// Retry is called for a `retry:` line with digits alone.
	Retry(time.Duration)
	// Comment is called for a line that begins with a colon: keep-alives.
	Comment()
}

// Parser turns bytes, cut anywhere, into events. One for each connection.
type Parser struct {
	sink    Sink
	line    []byte
	data    strings.Builder
	hasData bool
	kind    string
	id      string
	lastID  string
	begun   int  // bytes of a byte order mark that were seen, -1 when the stream has begun
	afterCR bool // a line feed now belongs to the carriage return before it
}

// NewParser makes a parser for a connection that was opened with lastID ("" for none).
func NewParser(sink Sink, lastID string) *Parser {
	return &Parser{sink: sink, id: lastID, lastID: lastID}
}

// LastID is the id to come back with: that of the last blank line, never of an event that is cut off.
func (p *Parser) LastID() string { return p.lastID }

const byteOrderMark = "\xef\xbb\xbf"

// Feed takes the next bytes. The only error is ErrLineTooLong.
func (p *Parser) Feed(chunk []byte) error {
	for p.begun >= 0 && len(chunk) > 0 {
		if chunk[0] != byteOrderMark[p.begun] {
			p.line = append(p.line, byteOrderMark[:p.begun]...)
			p.begun = -1
			break
		}
		chunk = chunk[1:]
		if p.begun++; p.begun == len(byteOrderMark) {
			p.begun = -1
		}
	}
	for len(chunk) > 0 {
		if p.afterCR {
			p.afterCR = false
			if chunk[0] == '\n' {
				chunk = chunk[1:]
				continue
			}
		}
		end := bytes.IndexAny(chunk, "\r\n")
		if end < 0 {
			end = len(chunk)
		}
		if len(p.line)+end > LineBytesMax {
			return ErrLineTooLong
		}
		if end == len(chunk) {
			p.line = append(p.line, chunk...)
			return nil
		}
		p.takeLine(append(p.line, chunk[:end]...))
		p.line = p.line[:0]
		p.afterCR = chunk[end] == '\r'
		chunk = chunk[end+1:]
	}
	return nil
}

func (p *Parser) takeLine(line []byte) {
	switch colon := bytes.IndexByte(line, ':'); {
	case len(line) == 0:
		p.dispatch()
	case colon == 0:
		p.sink.Comment()
	case colon < 0:
		p.takeField(string(line), "")
	default:
		p.takeField(string(line[:colon]), string(bytes.TrimPrefix(line[colon+1:], []byte(" "))))
	}
}

func (p *Parser) takeField(name, value string) {
	switch name {
	case "data":
		if p.hasData {
			p.data.WriteByte('\n')
		}
		p.data.WriteString(value)
		p.hasData = true
	case "event":
		p.kind = value
	case "id":
		if !strings.ContainsRune(value, 0) {
			p.id = value
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 31); err == nil && value[0] != '+' {
			p.sink.Retry(time.Duration(ms) * time.Millisecond)
		}
	}
}

// A blank line takes the id even where there is no data, and no event is dispatched then.
func (p *Parser) dispatch() {
	p.lastID = p.id
	kind, data, hasData := p.kind, p.data.String(), p.hasData
	p.kind, p.hasData = "", false
	p.data.Reset()
	if !hasData {
		return
	}
	if kind == "" {
		kind = "message"
	}
	p.sink.Event(Event{Type: kind, Data: data, LastID: p.lastID})
}
