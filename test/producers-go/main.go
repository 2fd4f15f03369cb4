// Writes records with franz-go, a Kafka client that shares no code with ours and has other defaults (snappy, the Java client's murmur2).
//
//	franz-producer -brokers host:port -topic name [-codec none|gzip|snappy|lz4|zstd] [-transaction commit|abort]
//
// Records come as lines of JSON on stdin, {"key", "value", "headers"}, where a key or value may be null; each is answered by a line
// "<partition> <offset>" when the broker has it. Without -codec the library's own default is used.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type line struct {
	Key     *string           `json:"key"`
	Value   *string           `json:"value"`
	Headers map[string]string `json:"headers"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	brokers := flag.String("brokers", "", "host:port[,host:port]")
	topic := flag.String("topic", "", "topic to write to")
	codec := flag.String("codec", "", "compression; empty: the library's default")
	transaction := flag.String("transaction", "", "commit or abort; empty: no transaction")
	flag.Parse()
	if err := produce(*brokers, *topic, *codec, *transaction); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func produce(brokers, topic, codec, transaction string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(options(brokers, codec, transaction)...)
	if err != nil {
		return err
	}
	defer client.Close()
	records, err := readRecords(topic)
	if err != nil {
		return err
	}
	if transaction != "" {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
	}
	for _, result := range client.ProduceSync(ctx, records...) {
		if result.Err != nil {
			return result.Err
		}
		fmt.Println(result.Record.Partition, result.Record.Offset)
	}
	if transaction == "" {
		return nil
	}
	return client.EndTransaction(ctx, kgo.TransactionEndTry(transaction == "commit"))
}

func options(brokers, codec, transaction string) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(strings.Split(brokers, ",")...)}
	if codec != "" {
		opts = append(opts, kgo.ProducerBatchCompression(codecs[codec]))
	}
	if transaction != "" {
		opts = append(opts, kgo.TransactionalID(fmt.Sprintf("franz-%d-%d", os.Getpid(), time.Now().UnixNano())))
	}
	return opts
}

func readRecords(topic string) ([]*kgo.Record, error) {
	var records []*kgo.Record
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var parsed line
		if err := json.Unmarshal(scanner.Bytes(), &parsed); err != nil {
			return nil, err
		}
		record := &kgo.Record{Topic: topic, Key: bytesOf(parsed.Key), Value: bytesOf(parsed.Value)}
		for name, value := range parsed.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		records = append(records, record)
	}
	return records, scanner.Err()
}

func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}
