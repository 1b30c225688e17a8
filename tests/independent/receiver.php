<?php
// A receiver of Kaisa's webhooks as a PHP developer writes it, from docs/contract.md alone.
// php -S 127.0.0.1:PORT receiver.php, behind something that speaks TLS. Set by the environment: KEY (public key, PEM),
// DIGEST, ENCODING, BOOK (a file that each delivery it reads is added to, as a JSON list of [name, value]).
// PHP verifies PKCS#1 v1.5 only: openssl_verify knows no PSS before PHP 8.5.
declare(strict_types=1);

const LARGEST = 262144;

function answer(int $status, array $document): never
{
    http_response_code($status);
    header('Content-Type: ' . ($status === 200 ? 'application/json' : 'application/problem+json'));
    echo json_encode($document);
    exit;
}

function refuse(int $status, string $title): never
{
    answer($status, ['status' => $status, 'title' => $title]);
}

function text(string $bytes): string
{
    return preg_match('//u', $bytes) ? $bytes : refuse(400, 'not UTF-8');
}

/** The names and values of a form, decoded once. */
function form(string $body): array
{
    if (preg_match('/%(?![0-9A-Fa-f]{2})/', $body)) {
        refuse(400, 'a % without two hex digits');
    }
    $values = [];
    foreach (array_filter(explode('&', $body), 'strlen') as $pair) {
        [$name, $value] = array_map(fn ($part) => text(urldecode($part)), explode('=', $pair, 2) + [1 => '']);
        if (array_key_exists($name, $values)) {
            refuse(400, 'a name is given twice');
        }
        $values[$name] = $value;
    }
    return $values ?: refuse(400, 'no data');
}

/** The names and values of a JSON object. */
function json(string $body): array
{
    $values = json_decode($body, true, 32);
    $isObject = is_array($values) && str_starts_with(ltrim($body), '{');
    return $isObject && $values ? $values : refuse(400, 'no JSON object with data');
}

function signature(mixed $sign): string|false
{
    return match (true) {
        !is_string($sign) => false,
        getenv('ENCODING') === 'hex' => ctype_xdigit($sign) && strlen($sign) % 2 === 0 ? hex2bin($sign) : false,
        getenv('ENCODING') === 'base64url' => base64_decode(strtr($sign, '-_', '+/'), true),
        default => base64_decode($sign, true),
    };
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    header('Allow: POST');
    refuse(405, 'POST only');
}
$type = strtolower(trim(explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0]));
$read = ['application/x-www-form-urlencoded' => 'form', 'application/json' => 'json'][$type] ?? refuse(415, 'form or JSON');
$body = file_get_contents('php://input');
if (strlen($body) > LARGEST) {
    refuse(413, 'too large');
}
$envelope = $read($body);
if (!is_string($envelope['payload'] ?? null) || ($envelope['sign'] ?? '') === '') {
    refuse(401, 'not signed');
}
$payload = $envelope['payload'];
$signature = signature($envelope['sign']);
$key = openssl_pkey_get_public(file_get_contents(getenv('KEY')));
if ($signature === false || openssl_verify($payload, $signature, $key, getenv('DIGEST')) !== 1) {
    refuse(403, 'wrongly signed');
}
$pairs = [];
foreach ($read($payload) as $name => $value) {
    $pairs[] = [(string) $name, $value];
}
file_put_contents(getenv('BOOK'), json_encode($pairs, JSON_THROW_ON_ERROR) . "\n", FILE_APPEND | LOCK_EX);
answer(200, ['append' => 'php ' . substr(hash('sha256', $payload), 0, 12)]);
