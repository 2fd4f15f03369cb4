import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes records with Kafka's own Java client.
 *
 * <p>Arguments: brokers, topic, codec ("default": the client's own), transaction ("none", "commit" or "abort"). Records come as lines on
 * stdin, tab-separated: key, value, then name=value of each header, all base64, "-" for null; each is answered by a line
 * "&lt;partition&gt; &lt;offset&gt;" when the broker has it.
 */
public final class JavaProducer {
  public static void main(String[] args) throws Exception {
    String transaction = args[3];
    Map<String, Object> config = new java.util.HashMap<>(Map.of("bootstrap.servers", args[0]));
    if (!args[2].equals("default")) config.put("compression.type", args[2]);
    boolean isTransactional = !transaction.equals("none");
    if (isTransactional) config.put("transactional.id", "java-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      if (isTransactional) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
      while (lines.hasNextLine()) sent.add(producer.send(parse(args[1], lines.nextLine())));
      producer.flush();
      for (Future<RecordMetadata> one : sent) System.out.println(one.get().partition() + " " + one.get().offset());
      if (transaction.equals("commit")) producer.commitTransaction();
      if (transaction.equals("abort")) producer.abortTransaction();
    }
  }

  private static ProducerRecord<byte[], byte[]> parse(String topic, String line) {
    String[] fields = line.split("\t");
    var record = new ProducerRecord<>(topic, bytes(fields[0]), bytes(fields[1]));
    for (int i = 2; i < fields.length; i++) {
      String[] header = fields[i].split(":");
      record.headers().add(new String(bytes(header[0]), StandardCharsets.UTF_8), bytes(header[1]));
    }
    return record;
  }

  private static byte[] bytes(String field) {
    return field.equals("-") ? null : Base64.getDecoder().decode(field);
  }
}
