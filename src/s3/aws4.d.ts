declare module 'aws4' {
  export interface Request {
    service: string
    region: string
    method: string
    host: string
    path: string
    headers: Record<string, string>
  }
  export interface Credentials {
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string
  }
  const aws4: { sign(request: Request, credentials: Credentials): Request }
  export default aws4
}
