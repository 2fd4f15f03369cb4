package sse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/netext"
)

// slowBufferBytes is the receive buffer of a slow reader: what it does not take must fill the server's buffer, not ours. Much
// less, and TCP itself is slow when the reader no longer is.
const slowBufferBytes = 64 << 10

// transportKey is what streams must have in common to share a client: over HTTP/2 the streams of a virtual user share one connection, as a browser's do.
type transportKey struct {
	version    string // 1.1, 2 (over TLS), h2c (without)
	ca         string
	isInsecure bool
	isSlow     bool
}

func newClient(state *lib.State, key transportKey) (*http.Client, error) {
	config := &tls.Config{} //nolint:gosec // k6's own says which versions
	if state.TLSConfig != nil {
		config = state.TLSConfig.Clone()
	}
	config.NextProtos = nil
	config.InsecureSkipVerify = config.InsecureSkipVerify || key.isInsecure
	if key.ca != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(key.ca)) {
			return nil, errors.New("selvage-sse: ca: there is no certificate in it")
		}
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(key.version == "1.1")
	protocols.SetHTTP2(key.version == "2")
	protocols.SetUnencryptedHTTP2(key.version == "h2c")
	transport := &http.Transport{
		DialContext: dial(state, key.isSlow), TLSClientConfig: config, Protocols: protocols, DisableCompression: true, DisableKeepAlives: key.version == "1.1",
		WriteBufferSize: 1 << 10,
	}
	noRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: noRedirects}, nil
}

// dial goes through k6's dialer, which counts bytes and knows `hosts` and `blockHostnames`.
func dial(state *lib.State, isSlow bool) func(context.Context, string, string) (net.Conn, error) {
	if !isSlow {
		return state.Dialer.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := state.Dialer.DialContext(ctx, network, address)
		inner := conn
		if counted, isCounted := conn.(*netext.Conn); isCounted && err == nil {
			inner = counted.Conn
		}
		if tcp, isTCP := inner.(*net.TCPConn); isTCP {
			_ = tcp.SetReadBuffer(slowBufferBytes)
		}
		return conn, err
	}
}
