package nats

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// chunkSize is that of an object's parts: well below what a server takes by default.
	chunkSize = 256 << 10
	// maxObject bounds what is read for one.
	maxObject = feed.MaxMessage
)

// objects gives the object store, which is made where it has to be.
func (l *link) objects(ctx context.Context, create bool) (jetstream.ObjectStore, error) {
	if l.obj != nil {
		return l.obj, nil
	}
	obj, err := l.js.ObjectStore(ctx, l.config.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) && create {
		obj, err = l.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: l.config.Bucket, Description: "large snapshots of flags, by yardarm"})
	}
	if err != nil {
		return nil, fmt.Errorf("NATS: object store %q: %w", l.config.Bucket, err)
	}
	l.obj = obj
	return obj, nil
}

// putObject writes an object, reads it back and gives its name: its own, so that one that is removed is nobody else's.
func (l *link) putObject(ctx context.Context, digest string, content []byte) (string, error) {
	store, err := l.objects(ctx, true)
	if err != nil {
		return "", err
	}
	name := digest + "." + rand.Text()
	meta := jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(min(chunkSize, l.conn.MaxPayload()))}}
	if _, err := store.Put(ctx, meta, bytes.NewReader(content)); err != nil {
		return "", fmt.Errorf("NATS: write object %.12s: %w", name, err)
	}
	read, err := l.getObject(ctx, name)
	if err == nil && !bytes.Equal(read, content) {
		err = errors.New("it reads otherwise than it was written")
	}
	if err != nil {
		return "", fmt.Errorf("NATS: read object %.12s back: %w", name, err)
	}
	return name, nil
}

// getObject reads an object part by part, as the library's own way needs a consumer, which may be left behind. What it gives is
// what was written.
func (l *link) getObject(ctx context.Context, name string) ([]byte, error) {
	store, err := l.objects(ctx, false)
	if err != nil {
		return nil, err
	}
	info, err := store.GetInfo(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("NATS: read object %.12s: %w", name, err)
	}
	if info.Size > maxObject {
		return nil, fmt.Errorf("NATS: read object %.12s: %d bytes, over the limit of %d", name, info.Size, maxObject)
	}
	content, err := l.chunks(ctx, info)
	if err != nil {
		return nil, fmt.Errorf("NATS: read object %.12s: %w", name, err)
	}
	sum := sha256.Sum256(content)
	if info.Digest != "SHA-256="+base64.URLEncoding.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("NATS: read object %.12s: its bytes do not fit its digest", name)
	}
	return content, nil
}

func (l *link) chunks(ctx context.Context, info *jetstream.ObjectInfo) ([]byte, error) {
	stream, err := l.js.Stream(ctx, "OBJ_"+l.config.Bucket)
	if err != nil {
		return nil, err
	}
	content, next := make([]byte, 0, info.Size), uint64(1)
	for range info.Chunks {
		m, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject("$O."+l.config.Bucket+".C."+info.NUID))
		if err != nil {
			return nil, err
		}
		if uint64(len(content)+len(m.Data)) > info.Size {
			return nil, errors.New("it has more bytes than it says")
		}
		content, next = append(content, m.Data...), m.Sequence+1
	}
	return content, nil
}

// sweep removes the objects that nothing refers to, and that are so old that nobody is about to.
func (l *link) sweep(ctx context.Context, used []string) error {
	store, err := l.objects(ctx, false)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	encoded, err := l.subjects(ctx, "OBJ_"+l.config.Bucket, "$O."+l.config.Bucket+".M.")
	if err != nil {
		return err
	}
	for _, code := range encoded {
		name, err := base64.URLEncoding.DecodeString(code)
		if err != nil || slices.Contains(used, string(name)) {
			continue
		}
		if err := l.removeOld(ctx, store, string(name), code); err != nil {
			return fmt.Errorf("NATS: remove object %.12s: %w", name, err)
		}
	}
	return nil
}

// removeOld removes an object that is older than the grace, without a trace: markers of what was deleted would add up.
func (l *link) removeOld(ctx context.Context, store jetstream.ObjectStore, name, code string) error {
	info, err := store.GetInfo(ctx, name, jetstream.GetObjectInfoShowDeleted())
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	if err != nil || now().Sub(info.ModTime) < l.config.grace {
		return err
	}
	stream, err := l.js.Stream(ctx, "OBJ_"+l.config.Bucket)
	if err != nil {
		return err
	}
	subjects := []string{"$O." + l.config.Bucket + ".M." + code}
	if info.NUID != "" {
		subjects = append(subjects, "$O."+l.config.Bucket+".C."+info.NUID)
	}
	for _, subject := range subjects {
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return err
		}
	}
	return nil
}
