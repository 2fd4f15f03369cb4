package sse

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"
)

// idleDefault is three keep-alive intervals of a node as it comes.
const idleDefault = 45 * time.Second

// options of a stream, as a script gives them.
type options struct {
	urls           []string
	header         http.Header
	tags           map[string]string
	lastID         string
	once           bool
	idle           time.Duration
	bytesPerSecond int
	isUnchecked    bool
	transport      transportKey
}

// readOptions refuses what it does not know by name: a misspelled option would otherwise test something else.
func readOptions(rt *sobek.Runtime, urls, given sobek.Value) (options, error) {
	o := options{header: http.Header{}, tags: map[string]string{}, idle: idleDefault, transport: transportKey{version: "1.1"}}
	if err := readURLs(rt, &o, urls); err != nil {
		return o, err
	}
	if common.IsNullish(given) {
		return o, nil
	}
	object := given.ToObject(rt)
	for _, name := range object.Keys() {
		take, isKnown := optionReaders[name]
		if !isKnown {
			return o, fmt.Errorf("selvage-sse: there is no option %q", name)
		}
		if value := object.Get(name); !common.IsNullish(value) {
			if err := take(rt, &o, value); err != nil {
				return o, fmt.Errorf("selvage-sse: %s: %w", name, err)
			}
		}
	}
	return o, nil
}

func readURLs(rt *sobek.Runtime, o *options, urls sobek.Value) error {
	if common.IsNullish(urls) {
		return errors.New("selvage-sse: an address, or an array of some, is needed")
	}
	if err := rt.ExportTo(urls, &o.urls); err != nil || len(o.urls) == 0 {
		o.urls = []string{urls.String()}
	}
	for _, one := range o.urls {
		if parsed, err := url.Parse(one); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return fmt.Errorf("selvage-sse: %q is no http or https address", one)
		}
	}
	return nil
}

var optionReaders = map[string]func(*sobek.Runtime, *options, sobek.Value) error{
	"headers": func(rt *sobek.Runtime, o *options, v sobek.Value) error {
		object := v.ToObject(rt)
		for _, name := range object.Keys() {
			o.header.Set(name, object.Get(name).String())
		}
		return nil
	},
	"tags": func(rt *sobek.Runtime, o *options, v sobek.Value) error {
		object := v.ToObject(rt)
		for _, name := range object.Keys() {
			o.tags[name] = object.Get(name).String()
		}
		return nil
	},
	"lastEventId": func(_ *sobek.Runtime, o *options, v sobek.Value) error { o.lastID = v.String(); return nil },
	"reconnect":   func(_ *sobek.Runtime, o *options, v sobek.Value) error { o.once = !v.ToBoolean(); return nil },
	"check":       func(_ *sobek.Runtime, o *options, v sobek.Value) error { o.isUnchecked = !v.ToBoolean(); return nil },
	"idleTimeoutMs": func(_ *sobek.Runtime, o *options, v sobek.Value) error {
		o.idle = time.Duration(v.ToInteger()) * time.Millisecond
		return nil
	},
	"readBytesPerSecond": func(_ *sobek.Runtime, o *options, v sobek.Value) error {
		o.bytesPerSecond = int(v.ToInteger())
		o.transport.isSlow = o.bytesPerSecond > 0
		return nil
	},
	"insecureSkipTLSVerify": func(_ *sobek.Runtime, o *options, v sobek.Value) error {
		o.transport.isInsecure = v.ToBoolean()
		return nil
	},
	"ca": func(_ *sobek.Runtime, o *options, v sobek.Value) error { o.transport.ca = v.String(); return nil },
	"http": func(_ *sobek.Runtime, o *options, v sobek.Value) error {
		o.transport.version = v.String()
		if v := o.transport.version; v != "1.1" && v != "2" && v != "h2c" {
			return fmt.Errorf(`%q is none of "1.1", "2", "h2c"`, v)
		}
		return nil
	},
}
