package executor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"math/big"

	"github.com/google/uuid"

	"github.com/picloud/picloud/rhai"
)

const maxRandom = 64 << 10

func digest(name, doc, example string, f func([]byte) []byte) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: params(dataParam("data")), Returns: "blob", Doc: doc, Example: example,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			b := data(c, 0)
			if err := c.Charge(8 + len(b)/16); err != nil {
				return rhai.Value{}, err
			}
			return newBlob(c, f(b))
		},
	}
}

func mac(name, doc, example string, f func(key, data []byte) []byte) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: params(dataParam("key"), dataParam("data")), Returns: "blob", Doc: doc, Example: example,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			key, b := data(c, 0), data(c, 1)
			if err := c.Charge(16 + (len(key)+len(b))/16); err != nil {
				return rhai.Value{}, err
			}
			return newBlob(c, f(key, b))
		},
	}
}

func newUUID(name, doc, example string, f func() (uuid.UUID, error)) *rhai.Native {
	return &rhai.Native{
		Name: name, Returns: "string", Doc: doc, Example: example, Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			id, err := f()
			if err != nil {
				return rhai.Value{}, err
			}
			return c.String(id.String())
		},
	}
}

func cryptoModule() *rhai.Module {
	return rhai.NewModule("crypto").
		Describe("Random values, digests and signatures. Digests are blobs: `hex::encode` and `base64::encode` make text of them.").
		Register(
			newUUID("uuid", "A random UUID (version 4).", `crypto::uuid().len // 36`, uuid.NewRandom),
			newUUID("uuid_v7", "A UUID that sorts by the time it was made (version 7).", `crypto::uuid_v7() < crypto::uuid_v7() // true`, uuid.NewV7),
			&rhai.Native{
				Name: "random_bytes", Params: params(param("count", rhai.TInt)), Returns: "blob", Effects: rhai.Volatile,
				Doc: "So many random bytes, at most 65,536, fit for keys and tokens.", Example: `crypto::random_bytes(16).len // 16`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					n := number(c, 0)
					if n < 0 || n > maxRandom {
						return rhai.Value{}, throw(fmt.Sprintf("cannot make %d random bytes: ask for 0 to %d", n, maxRandom))
					}
					if err := work(c, int(n)); err != nil {
						return rhai.Value{}, err
					}
					b := make([]byte, n)
					rand.Read(b) //nolint:errcheck // never fails: crypto/rand crashes the program instead
					return newBlob(c, b)
				},
			},
			&rhai.Native{
				Name: "random_int", Params: params(param("from", rhai.TInt), param("to", rhai.TInt)), Returns: "int", Effects: rhai.Volatile,
				Doc: "A random integer from `from` to `to`, both included, each as likely.", Example: `let n = crypto::random_int(1, 6); n >= 1 && n <= 6 // true`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					from, to := number(c, 0), number(c, 1)
					if from > to {
						return rhai.Value{}, throw(fmt.Sprintf("there is no integer from %d to %d", from, to))
					}
					span := new(big.Int).Sub(big.NewInt(to), big.NewInt(from))
					n, err := rand.Int(rand.Reader, span.Add(span, big.NewInt(1)))
					if err != nil {
						return rhai.Value{}, err
					}
					return rhai.Int(n.Add(n, big.NewInt(from)).Int64()), nil
				},
			},
			digest("sha256", "The SHA-256 of bytes, or of the bytes of a text.", `hex::encode(crypto::sha256("abc")) // "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`,
				func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }),
			digest("sha512", "The SHA-512 of bytes, or of the bytes of a text.", `crypto::sha512("abc").len // 64`,
				func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }),
			mac("hmac_sha256", "The HMAC of `data` with SHA-256: a signature that only holders of the key can make.",
				`hex::encode(crypto::hmac_sha256("Jefe", "what do ya want for nothing?")) // "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`,
				func(key, b []byte) []byte { h := hmac.New(sha256.New, key); h.Write(b); return h.Sum(nil) }),
			mac("hmac_sha1", "The HMAC of `data` with SHA-1, for services that still sign so.",
				`hex::encode(crypto::hmac_sha1("Jefe", "what do ya want for nothing?")) // "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"`,
				func(key, b []byte) []byte { h := hmac.New(sha1.New, key); h.Write(b); return h.Sum(nil) }),
			&rhai.Native{
				Name: "equal", Params: params(dataParam("a"), dataParam("b")), Returns: "bool",
				Doc:     "Whether two texts or blobs are the same, in a time that does not tell where they differ. Compare signatures and tokens with it.",
				Example: `crypto::equal("secret", "secret") // true`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					a, b := data(c, 0), data(c, 1)
					if err := work(c, len(a)+len(b)); err != nil {
						return rhai.Value{}, err
					}
					return rhai.Bool(subtle.ConstantTimeCompare(a, b) == 1), nil
				},
			},
		)
}
