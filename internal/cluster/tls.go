package cluster

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Certificates hold for ever: they are made anew at each start of a process, never
// leave it, and are worth nothing without the key. So a node whose clock is wrong
// is not shut out.
var (
	notBefore = time.Unix(0, 0).UTC()
	notAfter  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// Identity is a process's, by which it knows the others of its cluster: TLS 1.3,
// with a certificate on both sides that only the key can have made, and that says
// what its owner does.
type Identity struct {
	certificate tls.Certificate
	believed    *x509.CertPool
}

// NewIdentity returns the identity of a process that does what kind says.
func NewIdentity(keys Keys, kind store.NodeKind) (*Identity, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no cluster key")
	}
	id := &Identity{believed: x509.NewCertPool()}
	for i, key := range keys {
		authority, signer, err := authority(key)
		if err != nil {
			return nil, err
		}
		id.believed.AddCert(authority)
		if i > 0 {
			continue
		}
		if id.certificate, err = leaf(kind, authority, signer); err != nil {
			return nil, err
		}
	}
	return id, nil
}

// authority returns the certificate authority of a key: the same in every process.
func authority(key Key) (*x509.Certificate, ed25519.PrivateKey, error) {
	signer := ed25519.NewKeyFromSeed(key.derive("picloud cluster authority", ed25519.SeedSize))
	sum := sha256.Sum256(signer.Public().(ed25519.PublicKey))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "PiCloud cluster " + hex.EncodeToString(sum[:8])}, SubjectKeyId: sum[:20],
		NotBefore: notBefore, NotAfter: notAfter, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	c, err := x509.ParseCertificate(der)
	return c, signer, err
}

// leaf returns a certificate for this start of a process.
func leaf(kind store.NodeKind, authority *x509.Certificate, signer ed25519.PrivateKey) (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: string(kind)}, DNSNames: []string{hostOf(kind)},
		NotBefore: notBefore, NotAfter: notAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, authority, public, signer)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}

// hostOf is the name in the certificates of a kind; it is no host anywhere.
func hostOf(kind store.NodeKind) string { return string(kind) + ".picloud.internal" }

// Server returns the settings of a listener that lets in processes of the given
// kind and nobody else.
func (id *Identity) Server(from store.NodeKind) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{id.certificate},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: id.believed,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !slices.Contains(s.PeerCertificates[0].DNSNames, hostOf(from)) {
				return fmt.Errorf("the peer is no %s", from)
			}
			return nil
		},
	}
}

// Client returns the settings of connections to processes of the given kind.
func (id *Identity) Client(to store.NodeKind) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{id.certificate}, RootCAs: id.believed, ServerName: hostOf(to),
	}
}

// errKey says what is wrong, and what to do, when two processes do not know each
// other.
var errKey = errors.New("the other side has another cluster key: give every node the same (PICLOUD_CLUSTER_KEY_FILE)")

// Explain makes plain what an error of a connection means that two keys caused.
func Explain(err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w: %w", errKey, err)
	}
	// What the other side said has no type of its own (RFC 8446, section 6.2).
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		switch strings.TrimPrefix(op.Err.Error(), "tls: ") {
		case "bad certificate", "unknown certificate authority", "certificate required":
			return fmt.Errorf("%w: %w", errKey, err)
		}
	}
	return err
}
