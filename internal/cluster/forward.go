package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// The headers by which an orchestrator tells the manager who asks. What a client
// sends under these names is replaced.
const (
	clientHeader = "Picloud-Client"       // address
	schemeHeader = "Picloud-Client-Proto" // http or https
)

const (
	dialTimeout = 3 * time.Second
	// hereTimeout bounds how long an answer waits until this process knows of the
	// changes that it speaks of.
	hereTimeout = 5 * time.Second
)

// Forwarding wires a Forwarder.
type Forwarding struct {
	Registry *Registry
	Identity *Identity
	// Client tells who sent a request.
	Client func(r *http.Request) peer.Peer
	// Here waits until this process has heard of all changes made so far. It is
	// called after a request that may have made some.
	Here func(ctx context.Context) error
	Log  *slog.Logger
}

// Forwarder hands the control plane's requests to the active manager.
type Forwarder struct {
	cfg       Forwarding
	transport *http.Transport
	proxy     *httputil.ReverseProxy
	ending    context.Context
	end       context.CancelFunc
}

// NewForwarder returns a Forwarder. Close it to end its idle connections.
func NewForwarder(cfg Forwarding) *Forwarder {
	f := &Forwarder{cfg: cfg}
	f.ending, f.end = context.WithCancel(context.Background())
	f.transport = &http.Transport{
		DialContext:         f.dial,
		TLSClientConfig:     cfg.Identity.Client(store.NodeManager),
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 32,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:        f.rewrite,
		Transport:      f.transport,
		FlushInterval:  -1,
		ModifyResponse: f.answered,
		ErrorHandler:   f.failed,
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	return f
}

// EndStreams makes the streams that clients follow end, so that a graceful stop does
// not wait for them. Pass it to http.Server.RegisterOnShutdown.
func (f *Forwarder) EndStreams() { f.end() }

// Close ends streams and idle connections to the manager.
func (f *Forwarder) Close() {
	f.end()
	f.transport.CloseIdleConnections()
}

// stream is the body of an answer that goes on until the Forwarder's end.
type stream struct {
	io.ReadCloser
	ended atomic.Bool
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && s.ended.Load() {
		err = io.EOF
	}
	return n, err
}

// ServeHTTP implements http.Handler.
func (f *Forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), writerKey{}, w)))
}

type writerKey struct{}

func (f *Forwarder) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Host = "https", "manager"
	p.Out.Host = p.In.Host
	p.Out.URL.RawQuery = p.In.URL.RawQuery // also what ReverseProxy cannot parse
	from := f.cfg.Client(p.In)
	p.Out.Header.Del(clientHeader)
	if from.Addr.IsValid() {
		p.Out.Header.Set(clientHeader, from.Addr.String())
	}
	p.Out.Header.Set(schemeHeader, "http")
	if from.HTTPS {
		p.Out.Header.Set(schemeHeader, "https")
	}
}

var errNoManager = errors.New("no manager is active")

// dial connects to the active manager: to who the list says it is, and while
// nobody is there, to who it says then. A standby takes over within that time.
func (f *Forwarder) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := Dialer()
	failed := errNoManager
	for {
		if list := f.cfg.Registry.Of(store.NodeManager); len(list) > 0 {
			conn, err := d.DialContext(ctx, network, list[0].Address)
			if err == nil {
				return conn, nil
			}
			failed = err
		}
		f.cfg.Registry.Refresh(ctx)
		t := time.NewTimer(refreshEvery)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, failed
		}
	}
}

// answered sees to it that who has changed something finds it changed here.
func (f *Forwarder) answered(res *http.Response) error {
	r := res.Request
	if media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); media == "text/event-stream" {
		body := &stream{ReadCloser: res.Body}
		res.Body = body
		stop := context.AfterFunc(f.ending, func() {
			body.ended.Store(true)
			body.ReadCloser.Close()
		})
		context.AfterFunc(r.Context(), func() { stop() })
		// It goes on for longer than an answer may take; the manager watches it.
		if w, ok := r.Context().Value(writerKey{}).(http.ResponseWriter); ok {
			rc := http.NewResponseController(w)
			// Not every ResponseWriter has deadlines.
			_ = errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{}))
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || res.StatusCode >= http.StatusBadRequest {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), hereTimeout)
	defer cancel()
	if err := f.cfg.Here(ctx); err != nil && r.Context().Err() == nil {
		f.cfg.Log.Warn("this node may know of a change a little later", "error", err)
	}
	return nil
}

// failed answers in the manager's place.
func (f *Forwarder) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for it
	}
	var op *net.OpError
	err = Explain(err)
	status, detail := http.StatusBadGateway, "The manager was lost while it answered; whether the request took effect is not known."
	if errors.Is(err, errNoManager) || errors.Is(err, errKey) || errors.As(err, &op) && op.Op == "dial" {
		status, detail = http.StatusServiceUnavailable, "No manager answers at the moment; nothing has changed."
		w.Header().Set("Retry-After", "1")
	}
	f.cfg.Log.Error("the manager does not answer", "error", err)
	body, _ := json.Marshal(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail}) // cannot fail
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("PiCloud-Version", f.cfg.Registry.version) // as the manager does
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// Forwarded has next see requests as they came to the orchestrator that forwarded
// them. It is for a listener that only orchestrators reach.
func Forwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.RemoteAddr = ""
		if addr, err := netip.ParseAddr(r.Header.Get(clientHeader)); err == nil {
			r.RemoteAddr = netip.AddrPortFrom(addr, 0).String()
		}
		if r.Header.Get(schemeHeader) != "https" {
			r.TLS = nil
		}
		r.Header.Del(clientHeader)
		r.Header.Del(schemeHeader)
		next.ServeHTTP(w, r)
	})
}
