package signers

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

func (s *Set) addOpenPGP(block string) error {
	entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(block))
	if err != nil {
		return fmt.Errorf("the OpenPGP key can't be read: %w", err)
	}
	if len(entities) == 0 {
		return errors.New("there is no OpenPGP key in the block that can be used")
	}
	s.pgp = append(s.pgp, entities...)
	return nil
}

// mostSignature bounds a signature; one of RSA with 4,096 bits has about 800 bytes.
const mostSignature = 64 << 10

func (s *Set) verifyOpenPGP(signed []byte, armored string) (string, error) {
	if len(armored) > mostSignature {
		return "", errors.New("its OpenPGP signature is too long")
	}
	signature, err := readSignature(armored)
	if err != nil {
		return "", fmt.Errorf("its OpenPGP signature can't be read: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = fmt.Errorf("%w: the OpenPGP key %016X", ErrUnknown, *signature.IssuerKeyId)
	for _, entity := range s.pgp.EntitiesById(*signature.IssuerKeyId) {
		if err = verifyBy(entity, signature, signed); err == nil {
			return nameOf(entity), nil
		}
	}
	return "", err
}

// readSignature reads an armored signature. There has to be one, alone.
func readSignature(armored string) (*packet.Signature, error) {
	block, err := armor.Decode(strings.NewReader(armored))
	if err != nil {
		return nil, err
	}
	reader := packet.NewReader(block.Body)
	first, err := reader.Next()
	if err != nil {
		return nil, err
	}
	signature, ok := first.(*packet.Signature)
	switch {
	case !ok || signature.IssuerKeyId == nil:
		return nil, errors.New("it does not say whose it is")
	case signature.SigType != packet.SigTypeBinary:
		return nil, errors.New("it is of another type than Git makes")
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one, or something follows it")
	}
	return signature, nil
}

// verifyBy says why a signature is none of a key, or does not count; nil: it does.
func verifyBy(entity *openpgp.Entity, signature *packet.Signature, signed []byte) error {
	config, name := &packet.Config{}, nameOf(entity)
	key, err := keyAt(entity, *signature.IssuerKeyId, signature.CreationTime, config)
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return fmt.Errorf("it is signed by %s, which was revoked", name)
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return fmt.Errorf("it is signed by %s, which had expired by then", name)
	case err != nil:
		return fmt.Errorf("it is signed by %s, which can't be taken: %w", name, err)
	case config.RejectMessageHashAlgorithm(signature.Hash):
		return fmt.Errorf("its signature by %s is of %s, which is too weak", name, signature.Hash)
	case signature.CreationTime.Before(key.PublicKey.CreationTime):
		return fmt.Errorf("its signature by %s is older than the key", name)
	case signature.SigExpired(config.Now()):
		return fmt.Errorf("its signature by %s has expired, or is of the future", name)
	case slices.ContainsFunc(signature.Notations, func(n *packet.Notation) bool { return n.IsCritical }):
		return fmt.Errorf("its signature by %s counts under a condition that is not known here", name)
	}
	hash, err := signature.PrepareVerify()
	if err != nil {
		return fmt.Errorf("its signature by %s can't be read: %w", name, err)
	}
	_, _ = hash.Write(signed) // never fails
	if err := key.PublicKey.VerifySignature(hash, signature); err != nil {
		return fmt.Errorf("%w: %s (%w)", ErrTampered, name, err)
	}
	return nil
}

// keyAt gives the key of an id as it was at a time. Where what its owner said of it then is gone, as whoever makes it good for longer
// often replaces that, what the owner said last counts.
func keyAt(entity *openpgp.Entity, id uint64, at time.Time, config *packet.Config) (openpgp.Key, error) {
	var err error
	for _, at := range []time.Time{at, latest(entity, at)} {
		if _, err = entity.VerifyPrimaryKey(at, config); err == nil {
			if key, ok := entity.SigningKeyById(at, id, config); ok {
				return key, nil
			}
			err = subkeyAt(entity, id, at, config)
		}
		if errors.Is(err, pgperrors.ErrKeyRevoked) || errors.Is(err, pgperrors.ErrKeyExpired) {
			break
		}
	}
	return openpgp.Key{}, err
}

// subkeyAt says why a key can't be taken of which the primary key can.
func subkeyAt(entity *openpgp.Entity, id uint64, at time.Time, config *packet.Config) error {
	for i := range entity.Subkeys {
		if subkey := &entity.Subkeys[i]; subkey.PublicKey.KeyId == id {
			if _, err := subkey.Verify(at, config); err != nil {
				return err
			}
		}
	}
	return errors.New("it is not for signing, or too weak")
}

// latest is when a key's owner last said something of it, and at least a time.
func latest(entity *openpgp.Entity, at time.Time) time.Time {
	said := slices.Clone(entity.DirectSignatures)
	for _, identity := range entity.Identities {
		said = append(said, identity.SelfCertifications...)
	}
	for _, subkey := range entity.Subkeys {
		said = append(said, subkey.Bindings...)
	}
	for _, signature := range said {
		if made := signature.Packet.CreationTime; made.After(at) {
			at = made
		}
	}
	return at
}

// nameOf tells whose a key is.
func nameOf(entity *openpgp.Entity) string {
	fingerprint := fmt.Sprintf("OpenPGP key %X", entity.PrimaryKey.Fingerprint)
	name := ""
	if _, identity := entity.PrimaryIdentity(time.Time{}, nil); identity != nil {
		name = identity.Name
	} else if len(entity.Identities) > 0 {
		name = slices.Min(slices.Collect(maps.Keys(entity.Identities)))
	}
	if name == "" {
		return fingerprint
	}
	return fmt.Sprintf("%s (%s)", strings.ToValidUTF8(name, "\uFFFD"), fingerprint)
}
