// Package remote carries the invoke contract over one stream, a Unix socket or
// any other net.Conn, on which many runs go on at once.
//
// # The protocol
//
// Both sides begin with eight bytes: "PiCloud" and the version. After that a
// connection is a sequence of frames in each direction. A frame has a header
// of 14 bytes, big-endian: length of the payload (4), type (1), flags (1),
// stream (8). A run is a stream, numbered by the orchestrator.
//
// A message longer than one frame is cut; all its frames but the last carry the
// flag "more", and frames of other streams may come between them. So a large
// body holds up nobody. Frames, messages and the number of cut messages under
// way at once are bounded; a peer that exceeds a bound is disconnected.
//
// Messages: start (orchestrator → executor) opens a stream, result ends it,
// cancel asks for its end. Within it the executor makes calls of its host, one
// at a time, and gets a reply to each. Outside of streams the executor says who it
// is (about), and that it takes no more runs (go away); the orchestrator says which
// addresses are PiCloud's own, that no script may reach (closed). A method that the host does not know is
// answered so, and an unknown type of message is skipped: that, and fields that
// are skipped when unknown, is how the protocol grows without a new version.
package remote

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	version    = 1
	magic      = "PiCloud"
	headerSize = 14
	chunkSize  = 64 << 10 // longest payload of a frame

	// maxCut bounds how many messages of several frames a side may have under
	// way, and with maxMessage what the other side holds for them.
	maxCut = 4
	// MaxMessage is the longest message in bytes: a body with its envelope.
	MaxMessage = 128 << 20

	writeTimeout = 30 * time.Second // for a peer that does not read
	helloTimeout = 5 * time.Second
)

type messageType uint8

const (
	typeStart  messageType = 1
	typeResult messageType = 2
	typeCancel messageType = 3
	typeCall   messageType = 4
	typeReply  messageType = 5
	typeGoAway messageType = 6 // the executor takes no more runs on this connection
	typeAbout  messageType = 7 // what the executor says of itself, first of all
	typeClosed messageType = 8 // addresses that no script may reach; of the orchestrator, first of all
)

const flagMore = 1

var (
	errClosed       = errors.New("the connection is closed")
	errTooLong      = fmt.Errorf("message is longer than %d MiB", MaxMessage>>20)
	errFrameTooLong = errors.New("the peer sent a frame that is too long")
	errTooManyCut   = errors.New("the peer sent too many long messages at once")
)

// conn is one side of a connection. A goroutine each reads and writes.
type conn struct {
	nc  net.Conn
	out chan *[]byte  // whole frames, from framePool; few, so that senders feel a slow peer
	cut chan struct{} // a place for each message of several frames

	once  sync.Once
	dead  chan struct{}
	cause error // why, once dead is closed
}

var framePool = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// hello exchanges the greeting.
func hello(nc net.Conn) error {
	if err := nc.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	if _, err := nc.Write(append([]byte(magic), version)); err != nil {
		return fmt.Errorf("no greeting could be exchanged with the peer: %w", err)
	}
	var b [len(magic) + 1]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil {
		return fmt.Errorf("no greeting from the peer: %w", err)
	}
	if string(b[:len(magic)]) != magic {
		return errors.New("the peer is not a PiCloud service")
	}
	if v := b[len(magic)]; v != version {
		return fmt.Errorf("the peer speaks version %d of the protocol, this side version %d: run the same release of both", v, version)
	}
	return nc.SetDeadline(time.Time{})
}

// newConn takes over nc, which has exchanged greetings. receive is called for
// each message, on one goroutine, and must not block; body is its own.
// ended is called once when the connection is over.
func newConn(nc net.Conn, receive func(t messageType, stream uint64, body []byte) error, ended func(cause error)) *conn {
	c := &conn{nc: nc, out: make(chan *[]byte, 16), cut: make(chan struct{}, maxCut), dead: make(chan struct{})}
	go c.writeLoop()
	go func() {
		c.close(c.readLoop(receive))
		ended(c.cause)
	}()
	return c
}

// close ends the connection, for the given reason if it is the first.
func (c *conn) close(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.dead)
		c.nc.Close()
	})
}

func (c *conn) closed() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// send queues a message. It waits while the peer is slow, until ctx is done.
// sent is false when nothing that the peer could act on has left.
func (c *conn) send(ctx context.Context, t messageType, stream uint64, body []byte) (sent bool, err error) {
	if len(body) > MaxMessage {
		return false, errTooLong
	}
	if len(body) > chunkSize {
		select {
		case c.cut <- struct{}{}:
			defer func() { <-c.cut }()
		case <-ctx.Done():
			return false, ctx.Err()
		case <-c.dead:
			return false, c.cause
		}
	}
	for {
		n, flags := len(body), byte(0)
		if n > chunkSize {
			n, flags = chunkSize, flagMore
		}
		buf := framePool.Get().(*[]byte)
		f := append((*buf)[:0], make([]byte, headerSize)...)
		binary.BigEndian.PutUint32(f, uint32(n))
		f[4], f[5] = byte(t), flags
		binary.BigEndian.PutUint64(f[6:], stream)
		*buf = append(f, body[:n]...)
		select {
		case c.out <- buf:
		case <-ctx.Done():
			return false, ctx.Err()
		case <-c.dead:
			return false, c.cause
		}
		body = body[n:]
		if flags == 0 {
			return true, nil
		}
		// What is begun is finished, or the peer could never tell.
		ctx = context.WithoutCancel(ctx)
	}
}

func (c *conn) writeLoop() {
	w := bufio.NewWriterSize(c.nc, chunkSize)
	for {
		select {
		case f := <-c.out:
			if err := c.writeFrames(w, f); err != nil {
				c.close(err)
				return
			}
		case <-c.dead:
			return
		}
	}
}

// writeFrames writes f and what else is queued, then flushes.
func (c *conn) writeFrames(w *bufio.Writer, f *[]byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	for {
		_, err := w.Write(*f)
		framePool.Put(f)
		if err != nil {
			return err
		}
		select {
		case f = <-c.out:
		default:
			return w.Flush()
		}
	}
}

func (c *conn) readLoop(receive func(messageType, uint64, []byte) error) error {
	r := bufio.NewReaderSize(c.nc, chunkSize)
	partial := map[uint64][]byte{}
	var h [headerSize]byte
	for {
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return err
		}
		n := binary.BigEndian.Uint32(h[:])
		if n > chunkSize {
			return errFrameTooLong
		}
		t, flags, stream := messageType(h[4]), h[5], binary.BigEndian.Uint64(h[6:])
		body, begun := partial[stream]
		if len(body)+int(n) > MaxMessage {
			return errTooLong
		}
		start := len(body)
		if begun || flags&flagMore != 0 {
			body = append(body, make([]byte, n)...)
		} else {
			body = make([]byte, n)
		}
		if _, err := io.ReadFull(r, body[start:]); err != nil {
			return err
		}
		if flags&flagMore != 0 {
			if !begun && len(partial) >= maxCut {
				return errTooManyCut
			}
			partial[stream] = body
			continue
		}
		delete(partial, stream)
		if err := receive(t, stream, body); err != nil {
			return err
		}
	}
}
