// Package sse is the k6 module `k6/x/selvage-sse`: streams that do not block their virtual user, come back, and are checked.
package sse

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/js/modules"
)

func init() { modules.Register("k6/x/selvage-sse", new(root)) }

// root is what all virtual users of the process share.
type root struct{ open atomic.Int64 }

var _ modules.Module = (*root)(nil)

// instance is the module of one virtual user.
type instance struct {
	vu      modules.VU
	metrics *instruments
	clients map[transportKey]*http.Client
	root    *root
}

// NewModuleInstance is k6's.
func (r *root) NewModuleInstance(vu modules.VU) modules.Instance {
	instruments, err := newInstruments(vu.InitEnv().Registry)
	if err != nil {
		common.Throw(vu.Runtime(), err)
	}
	return &instance{vu: vu, metrics: instruments, clients: map[transportKey]*http.Client{}, root: r}
}

// Exports is k6's: `open(url, options)`, `check(tags)`, and `now()`, milliseconds since 1970 with a fraction.
func (i *instance) Exports() modules.Exports {
	now := func() float64 { return float64(time.Now().UnixMicro()) / 1e3 }
	named := map[string]any{"open": i.open, "check": i.check, "now": now}
	return modules.Exports{Default: named, Named: named}
}

// throw ends the script's turn with an error of JavaScript.
func (i *instance) throw(err error) sobek.Value {
	common.Throw(i.vu.Runtime(), err)
	return nil
}
