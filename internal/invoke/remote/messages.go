package remote

import (
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Field numbers are never given a second meaning.

func encodeStart(s *invoke.Start, now time.Time) []byte {
	size := 512 + 96*len(s.Scripts)
	if s.Request != nil {
		size += len(s.Request.Body)
	}
	e := &encoder{b: make([]byte, 0, size)}
	e.string(1, s.RunID)
	e.string(2, s.AppID)
	e.string(3, s.App)
	e.string(4, s.ScriptID)
	e.string(5, s.Script)
	e.int(6, s.Version)
	e.int(7, s.Deployment)
	e.string(8, s.Program)
	for name, hash := range s.Scripts {
		e.message(9, func(e *encoder) { e.string(1, name); e.string(2, hash) })
	}
	e.message(10, func(e *encoder) {
		l := &s.Limits
		for i, v := range []int64{l.Operations, l.WallTimeMS, l.MemoryBytes, l.CallDepth, l.RequestBytes, l.ResponseBytes, l.LogLines, l.LogBytes} {
			e.int(i+1, v)
		}
	})
	e.string(11, s.Trigger)
	if r := s.Request; r != nil {
		e.message(12, func(e *encoder) { encodeRequest(e, r) })
	}
	if ev := s.Event; ev != nil {
		e.message(13, func(e *encoder) { encodeEvent(e, ev) })
	}
	for i := range s.Batch {
		e.message(17, func(e *encoder) { encodeEvent(e, &s.Batch[i]) })
	}
	if !s.Deadline.IsZero() {
		// As the time that is left: the two clocks need not agree.
		e.int(14, max(s.Deadline.Sub(now).Microseconds(), 1))
	}
	if o := s.Outbound; o != nil {
		e.message(18, func(e *encoder) {
			for _, h := range o.Hosts {
				e.item(1, h)
			}
			for _, n := range o.Networks {
				e.item(2, n)
			}
		})
	}
	if s.Lease != nil {
		e.message(15, func(e *encoder) { encodeLease(e, s.Lease) })
	}
	if s.Request != nil {
		e.bytes(16, s.Request.Body) // outside the nested message: copied once
	}
	return e.b
}

func encodeEvent(e *encoder, ev *invoke.Event) {
	e.string(1, ev.ID)
	e.string(2, ev.Kind)
	e.string(3, ev.Source)
	e.bytes(4, ev.Payload)
	e.int(5, int64(ev.Attempt))
	e.time(6, ev.Time)
	e.int(7, ev.Depth)
}

func encodeRequest(e *encoder, r *invoke.Request) {
	e.string(1, r.Method)
	e.string(2, r.URL)
	e.string(3, r.Path)
	e.string(4, r.Query)
	encodeHeader(e, 5, r.Header)
	for _, p := range r.Params {
		e.message(6, func(e *encoder) { e.string(1, p.Name); e.string(2, p.Value) })
	}
	e.string(7, r.IP)
}

func encodeHeader(e *encoder, num int, h http.Header) {
	for name, values := range h {
		e.message(num, func(e *encoder) {
			e.string(1, name)
			for _, v := range values {
				e.item(2, v)
			}
		})
	}
}

func encodeLease(e *encoder, l *invoke.Lease) {
	e.string(1, l.Token)
	e.time(2, l.Expires)
	for _, id := range l.Messages {
		e.item(3, id)
	}
}

func decodeStart(b []byte, now time.Time) (*invoke.Start, error) {
	s := &invoke.Start{}
	var body []byte
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			s.RunID = f.string()
		case 2:
			s.AppID = f.string()
		case 3:
			s.App = f.string()
		case 4:
			s.ScriptID = f.string()
		case 5:
			s.Script = f.string()
		case 6:
			s.Version = f.int()
		case 7:
			s.Deployment = f.int()
		case 8:
			s.Program = f.string()
		case 9:
			name, hash, err := decodePair(f.bytes)
			if s.Scripts == nil {
				s.Scripts = map[string]string{}
			}
			s.Scripts[name] = hash
			return err
		case 10:
			return decodeLimits(f.bytes, &s.Limits)
		case 11:
			s.Trigger = f.string()
		case 12:
			s.Request = &invoke.Request{Body: body}
			return decodeRequest(f.bytes, s.Request)
		case 13:
			s.Event = &invoke.Event{}
			return decodeEvent(f.bytes, s.Event)
		case 14:
			s.Deadline = now.Add(time.Duration(f.int()) * time.Microsecond)
		case 15:
			s.Lease = &invoke.Lease{}
			return decodeLease(f.bytes, s.Lease)
		case 16:
			body = f.bytes
			if s.Request != nil {
				s.Request.Body = body
			}
		case 17:
			s.Batch = append(s.Batch, invoke.Event{})
			return decodeEvent(f.bytes, &s.Batch[len(s.Batch)-1])
		case 18:
			s.Outbound = &invoke.Outbound{}
			return fields(f.bytes, func(f field) error {
				switch f.num {
				case 1:
					s.Outbound.Hosts = append(s.Outbound.Hosts, f.string())
				case 2:
					s.Outbound.Networks = append(s.Outbound.Networks, f.string())
				}
				return nil
			})
		}
		return nil
	})
	return s, err
}

func decodePair(b []byte) (name, value string, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			name = f.string()
		case 2:
			value = f.string()
		}
		return nil
	})
	return
}

func decodeLimits(b []byte, l *store.Limits) error {
	at := []*int64{&l.Operations, &l.WallTimeMS, &l.MemoryBytes, &l.CallDepth, &l.RequestBytes, &l.ResponseBytes, &l.LogLines, &l.LogBytes}
	return fields(b, func(f field) error {
		if f.num >= 1 && f.num <= len(at) {
			*at[f.num-1] = f.int()
		}
		return nil
	})
}

func decodeRequest(b []byte, r *invoke.Request) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			r.Method = f.string()
		case 2:
			r.URL = f.string()
		case 3:
			r.Path = f.string()
		case 4:
			r.Query = f.string()
		case 5:
			return decodeHeader(f.bytes, &r.Header)
		case 6:
			name, value, err := decodePair(f.bytes)
			r.Params = append(r.Params, invoke.Param{Name: name, Value: value})
			return err
		case 7:
			r.IP = f.string()
		}
		return nil
	})
}

func decodeHeader(b []byte, h *http.Header) error {
	var name string
	var values []string
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			name = f.string()
		case 2:
			values = append(values, f.string())
		}
		return nil
	})
	if *h == nil {
		*h = http.Header{}
	}
	(*h)[name] = values
	return err
}

func decodeEvent(b []byte, ev *invoke.Event) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			ev.ID = f.string()
		case 2:
			ev.Kind = f.string()
		case 3:
			ev.Source = f.string()
		case 4:
			ev.Payload = f.bytes
		case 5:
			ev.Attempt = int(f.int())
		case 6:
			ev.Time = f.time()
		case 7:
			ev.Depth = f.int()
		}
		return nil
	})
}

func decodeLease(b []byte, l *invoke.Lease) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			l.Token = f.string()
		case 2:
			l.Expires = f.time()
		case 3:
			l.Messages = append(l.Messages, f.string())
		}
		return nil
	})
}

func encodeResult(r *invoke.Result) []byte {
	size := 256 + 128*len(r.Logs)
	if r.Response != nil {
		size += len(r.Response.Body)
	}
	e := &encoder{b: make([]byte, 0, size)}
	e.string(1, string(r.Status))
	e.string(2, r.Error)
	if p := r.Response; p != nil {
		e.message(3, func(e *encoder) {
			e.int(1, int64(p.Status))
			encodeHeader(e, 2, p.Header)
		})
		e.bytes(11, p.Body) // outside the nested message: copied once
	}
	e.time(4, r.StartedAt)
	e.int(5, r.Duration.Nanoseconds())
	e.int(6, r.Operations)
	e.int(7, r.PeakMemory)
	for i := range r.Logs {
		l := &r.Logs[i]
		e.message(8, func(e *encoder) {
			e.time(1, l.At)
			e.string(2, l.Level)
			e.string(3, l.Source)
			e.int(4, int64(l.Line))
			e.int(5, int64(l.Column))
			e.string(6, l.Message)
		})
	}
	e.int(9, r.LogsDropped)
	e.int(10, r.RetryAfter.Nanoseconds())
	for i := range r.Calls {
		c := &r.Calls[i]
		e.message(12, func(e *encoder) {
			e.time(1, c.At)
			e.string(2, c.Method)
			e.string(3, c.Host)
			e.int(4, int64(c.Status))
			e.int(5, c.Duration.Nanoseconds())
			e.string(6, c.Error)
		})
	}
	e.int(13, r.CallsDropped)
	return e.b
}

func decodeResult(b []byte) (*invoke.Result, error) {
	r := &invoke.Result{}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			r.Status = store.Status(f.string())
		case 2:
			r.Error = f.string()
		case 3:
			r.Response = &invoke.Response{}
			return fields(f.bytes, func(f field) error {
				switch f.num {
				case 1:
					r.Response.Status = int(f.int())
				case 2:
					return decodeHeader(f.bytes, &r.Response.Header)
				}
				return nil
			})
		case 4:
			r.StartedAt = f.time()
		case 5:
			r.Duration = time.Duration(f.int())
		case 6:
			r.Operations = f.int()
		case 7:
			r.PeakMemory = f.int()
		case 8:
			var l store.LogLine
			err := decodeLogLine(f.bytes, &l)
			r.Logs = append(r.Logs, l)
			return err
		case 9:
			r.LogsDropped = f.int()
		case 10:
			r.RetryAfter = time.Duration(f.int())
		case 11:
			if r.Response != nil {
				r.Response.Body = f.bytes
			}
		case 12:
			var c store.Call
			err := decodeHTTPCall(f.bytes, &c)
			r.Calls = append(r.Calls, c)
			return err
		case 13:
			r.CallsDropped = f.int()
		}
		return nil
	})
	return r, err
}

func decodeHTTPCall(b []byte, c *store.Call) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			c.At = f.time()
		case 2:
			c.Method = f.string()
		case 3:
			c.Host = f.string()
		case 4:
			c.Status = int(f.int())
		case 5:
			c.Duration = time.Duration(f.int())
		case 6:
			c.Error = f.string()
		}
		return nil
	})
}

func decodeLogLine(b []byte, l *store.LogLine) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			l.At = f.time()
		case 2:
			l.Level = f.string()
		case 3:
			l.Source = f.string()
		case 4:
			l.Line = int(f.int())
		case 5:
			l.Column = int(f.int())
		case 6:
			l.Message = f.string()
		}
		return nil
	})
}

func encodeCommit(c *invoke.Commit) []byte {
	e := &encoder{}
	e.string(1, c.RunID)
	e.int(2, c.Seq)
	for _, r := range c.Reads {
		e.message(3, func(e *encoder) { e.string(1, r.Key); e.int(2, r.Version) })
	}
	for i := range c.Ops {
		o := &c.Ops[i]
		e.message(4, func(e *encoder) {
			e.uint(1, uint64(o.Kind))
			e.string(2, o.Key)
			e.bytes(3, o.Value)
			e.int(4, o.Delta)
			e.time(5, o.Expires)
		})
	}
	for i := range c.Sends {
		s := &c.Sends[i]
		e.message(5, func(e *encoder) {
			e.string(1, s.Queue)
			e.bytes(2, s.Payload)
			e.int(3, s.Delay.Nanoseconds())
			e.string(4, s.IdempotencyKey)
		})
	}
	for i := range c.Publishes {
		p := &c.Publishes[i]
		e.message(6, func(e *encoder) { e.string(1, p.Topic); e.bytes(2, p.Payload) })
	}
	for _, a := range c.Acks {
		e.item(7, a)
	}
	if c.Lease != nil {
		e.message(8, func(e *encoder) { encodeLease(e, c.Lease) })
	}
	if p := c.Response; p != nil {
		e.message(9, func(e *encoder) {
			e.int(1, int64(p.Status))
			encodeHeader(e, 2, p.Header)
			e.bytes(3, p.Body)
		})
	}
	return e.b
}

func decodeCommit(b []byte) (*invoke.Commit, error) {
	c := &invoke.Commit{}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			c.RunID = f.string()
		case 2:
			c.Seq = f.int()
		case 3:
			var r invoke.Read
			err := fields(f.bytes, func(f field) error {
				switch f.num {
				case 1:
					r.Key = f.string()
				case 2:
					r.Version = f.int()
				}
				return nil
			})
			c.Reads = append(c.Reads, r)
			return err
		case 4:
			var o invoke.Op
			err := decodeOp(f.bytes, &o)
			c.Ops = append(c.Ops, o)
			return err
		case 5:
			var s invoke.Send
			err := decodeSend(f.bytes, &s)
			c.Sends = append(c.Sends, s)
			return err
		case 6:
			var p invoke.Publish
			err := fields(f.bytes, func(f field) error {
				switch f.num {
				case 1:
					p.Topic = f.string()
				case 2:
					p.Payload = f.bytes
				}
				return nil
			})
			c.Publishes = append(c.Publishes, p)
			return err
		case 7:
			c.Acks = append(c.Acks, f.string())
		case 8:
			c.Lease = &invoke.Lease{}
			return decodeLease(f.bytes, c.Lease)
		case 9:
			c.Response = &invoke.Response{}
			return fields(f.bytes, func(f field) error {
				switch f.num {
				case 1:
					c.Response.Status = int(f.int())
				case 2:
					return decodeHeader(f.bytes, &c.Response.Header)
				case 3:
					c.Response.Body = f.bytes
				}
				return nil
			})
		}
		return nil
	})
	return c, err
}

func decodeOp(b []byte, o *invoke.Op) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			o.Kind = store.KVOpKind(f.u)
		case 2:
			o.Key = f.string()
		case 3:
			o.Value = f.bytes
		case 4:
			o.Delta = f.int()
		case 5:
			o.Expires = f.time()
		}
		return nil
	})
}

func decodeSend(b []byte, s *invoke.Send) error {
	return fields(b, func(f field) error {
		switch f.num {
		case 1:
			s.Queue = f.string()
		case 2:
			s.Payload = f.bytes
		case 3:
			s.Delay = time.Duration(f.int())
		case 4:
			s.IdempotencyKey = f.string()
		}
		return nil
	})
}
